package awstest

import (
	"slices"
	"sync"
	"testing"
)

func TestWhatIsNotSaidOfAnInstanceIsMadeUp(t *testing.T) {
	s, other := open(t), open(t)
	i := s.Add(Instance{})
	if i.Region != "eu-west-1" || i.Zone != "eu-west-1a" || i.State != "running" || i.Type == "" || i.PrivateIP == "" ||
		!isInstanceID.MatchString(i.ID) || i.Launched.IsZero() {
		t.Errorf("got %+v", i)
	}
	if again := other.Add(Instance{}); again.ID != i.ID {
		t.Errorf("another server makes up %s, not %s", again.ID, i.ID)
	}
	if next := s.Add(Instance{}); next.ID == i.ID || next.PrivateIP == i.PrivateIP {
		t.Errorf("twice the same: %+v", next)
	}
	i.Tags["Name"] = "changed"
	s.Instances("eu-west-1")[0].Tags["Name"] = "changed"
	for _, kept := range s.Instances("eu-west-1") {
		if len(kept.Tags) != 0 {
			t.Errorf("the server's own tags were changed: %v", kept.Tags)
		}
	}
}

func TestWrongUseOfTheServerPanics(t *testing.T) {
	s := open(t)
	s.Add(Instance{ID: "i-0000000a"})
	for name, do := range map[string]func(){
		"an id that is taken":               func() { s.Add(Instance{ID: "i-0000000a"}) },
		"a state that isn't one":            func() { s.Add(Instance{State: "asleep"}) },
		"an instance that isn't there":      func() { s.SetState("i-0000000b", "running") },
		"another state that isn't one":      func() { s.SetState("i-0000000a", "asleep") },
		"a web identity for a role unknown": func() { s.WebIdentity("nobody") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it did not panic")
				}
			}()
			do()
		})
	}
}

func TestAStateSetStays(t *testing.T) {
	s := open(t)
	s.Add(Instance{ID: "i-0000000a"})
	c := client(t, s, s.Credentials())
	if _, err := orders["StopInstances"](within(t), c, false, "i-0000000a"); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"pending", "stopping", "shutting-down"} {
		s.SetState("i-0000000a", state)
		if got := statesOf(s); got != "i-0000000a="+state {
			t.Errorf("got %s, want %s", got, state)
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	s := open(t)
	var ids []string
	for range 8 {
		ids = append(ids, s.Add(Instance{}).ID)
	}
	c := client(t, s, s.Credentials())
	ctx := within(t)
	var clients sync.WaitGroup
	for mine := range slices.Chunk(ids, 2) {
		clients.Go(func() {
			for _, name := range []string{"RebootInstances", "StopInstances", "StartInstances", "TerminateInstances"} {
				if _, err := orders[name](ctx, c, false, mine...); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				s.Instances("eu-west-1")
				s.Calls()
			}
		})
	}
	clients.Wait()
	for _, i := range s.Instances("eu-west-1") {
		if i.State != "terminated" || i.Reboots != 1 {
			t.Errorf("got %+v", i)
		}
	}
	if got := len(s.Calls()); got != 16 {
		t.Errorf("got %d calls, want 16", got)
	}
}
