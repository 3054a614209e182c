package ec2

import (
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func (s *suite) list(t *testing.T) {
	ids := s.launch(t, 3, tag("Name", "suite"))
	found, err := s.driver.List(t.Context(), s.ours(t))
	wantIDs(t, found, err, ids)
	for _, n := range found {
		if n.Name != "suite" || n.State != compute.Running || n.Tags["cmed-suite"] != s.mark || n.Started.IsZero() || n.Zone == "" {
			t.Errorf("the node lacks something: %+v", n)
		}
	}
	_, err = s.raw.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids[:1]})
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(t, "stopped", ids[0])
	found, err = s.driver.List(t.Context(), s.ours(t))
	wantIDs(t, found, err, ids[1:])
	found, err = s.driver.Matching(t.Context(), s.ours(t))
	wantIDs(t, found, err, ids)
	with := s.ours(t)
	with["instance-state-name"] = compute.Values{"stopped"}
	found, err = s.driver.List(t.Context(), with)
	wantIDs(t, found, err, ids[:1])
}

func (s *suite) filters(t *testing.T) {
	red := s.launch(t, 1, tag("colour", "red"), tag("size", "big"))
	green := s.launch(t, 1, tag("colour", "green"), tag("size", "big"))
	blue := s.launch(t, 1, tag("colour", "blue"), tag("size", "small"))
	tests := []struct {
		name   string
		wanted compute.Filters
		want   []string
	}{
		{"any value", compute.Filters{"tag:colour": {"red", "blue"}}, append(red, blue...)},
		{"all names", compute.Filters{"tag:colour": {"red", "blue"}, "tag:size": {"big"}}, red},
		{"an asterisk", compute.Filters{"tag:colour": {"*e*"}}, append(append(red, green...), blue...)},
		{"a question mark", compute.Filters{"tag:colour": {"?ed"}}, red},
		{"the letter case", compute.Filters{"tag:colour": {"RED"}}, nil},
		{"a key", compute.Filters{"tag-key": {"colour"}}, append(append(red, green...), blue...)},
		{"an id", compute.Filters{"instance-id": green}, green},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wanted := compute.Filters{"tag:cmed-suite": {s.mark}}
			maps.Copy(wanted, tt.wanted)
			found, err := s.driver.List(t.Context(), wanted)
			wantIDs(t, found, err, tt.want)
		})
	}
}

// pages has more instances than the suite's driver gets at once.
func (s *suite) pages(t *testing.T) {
	ids := s.launch(t, 12)
	found, err := s.driver.List(t.Context(), s.ours(t))
	wantIDs(t, found, err, ids)
}

func (s *suite) unknownFilter(t *testing.T) {
	found, err := s.driver.List(t.Context(), compute.Filters{"no-such-filter": {"x"}})
	if !errors.Is(err, compute.ErrBadFilter) {
		t.Errorf("the endpoint takes any filter for one of EC2's: %d nodes, the error is %v", len(found), err)
	}
}

func (s *suite) find(t *testing.T) {
	ids := s.launch(t, 2)
	found, err := s.driver.Find(t.Context(), ids[0], "i-0123456789abcdef0", ids[1])
	wantIDs(t, found, err, ids)
}

func (s *suite) stopAndStart(t *testing.T) {
	ids := s.launch(t, 2)
	changes, err := s.driver.Stop(t.Context(), compute.Order{IDs: ids[:1]})
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 1 || changes[0].ID != ids[0] || changes[0].From != compute.Running {
		t.Errorf("the answer is %v", changes)
	}
	if err := s.driver.Await(t.Context(), compute.Stopped, ids[0]); err != nil {
		t.Fatal(err)
	}
	s.wantNow(t, "stopped", ids[0])
	s.wantNow(t, "running", ids[1])

	changes, err = s.driver.Start(t.Context(), compute.Order{IDs: ids[:1]})
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 1 || changes[0].ID != ids[0] || changes[0].From != compute.Stopped {
		t.Errorf("the answer is %v", changes)
	}
	if err := s.driver.Await(t.Context(), compute.Running, ids...); err != nil {
		t.Fatal(err)
	}
	s.wantNow(t, "running", ids[0])
}

// wantNow compares the endpoint's own state without waiting.
func (s *suite) wantNow(t *testing.T, want, id string) {
	t.Helper()
	if got := s.state(t, id); got != want {
		t.Errorf("%s is %s, want %s", id, got, want)
	}
}

func (s *suite) reboot(t *testing.T) {
	ids := s.launch(t, 1)
	want := []compute.Change{{ID: ids[0], From: compute.Running, To: compute.Running}}
	changes, err := s.driver.Reboot(t.Context(), compute.Order{IDs: ids})
	if err != nil || !slices.Equal(changes, want) {
		t.Errorf("got %v, %v, want %v", changes, err, want)
	}
	s.wantState(t, "running", ids[0])
}

func (s *suite) dryRun(t *testing.T) {
	ids := s.launch(t, 1)
	order := compute.Order{IDs: ids, DryRun: true}
	for name, do := range map[string]ordering{
		"terminate": terminating(s.driver), "stop": stopping(s.driver), "reboot": rebooting(s.driver),
	} {
		if changes, err := do(t, order); err != nil || len(changes) != 0 {
			t.Errorf("%s: %v, %v", name, changes, err)
		}
	}
	s.wantNow(t, "running", ids[0])
}

func (s *suite) terminate(t *testing.T) {
	ids := s.launch(t, 3)
	changes, err := s.driver.Terminate(t.Context(), compute.Order{IDs: ids[:2]})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if !slices.Contains(ids[:2], c.ID) || c.From != compute.Running {
			t.Errorf("the answer is %v", changes)
		}
	}
	if len(changes) != 2 {
		t.Errorf("the answer is %v", changes)
	}
	if err := s.driver.Await(t.Context(), compute.Terminated, ids[:2]...); err != nil {
		t.Fatal(err)
	}
	s.wantNow(t, "terminated", ids[0])
	s.wantNow(t, "terminated", ids[1])
	s.wantNow(t, "running", ids[2])

	// Once more does no harm.
	if _, err := s.driver.Terminate(t.Context(), compute.Order{IDs: ids[:2]}); err != nil {
		t.Errorf("to terminate what is terminated: %v", err)
	}
}

func (s *suite) unknownID(t *testing.T) {
	ids := s.launch(t, 1)
	_, err := s.driver.Terminate(t.Context(), compute.Order{IDs: []string{"i-0123456789abcdef0", ids[0]}})
	if !errors.Is(err, compute.ErrNotFound) {
		t.Errorf("the error is %v, want one that is %q", err, compute.ErrNotFound)
	}
	s.wantNow(t, "running", ids[0])
}

func (s *suite) wrongSecret(t *testing.T) {
	if os.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
		t.Skip("the credentials aren't in the environment, where a wrong one could be put in their place")
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
	_, err := mustOpen(t, patient()).List(t.Context(), nil)
	if err == nil {
		t.Skip("the endpoint doesn't check signatures")
	}
	if !errors.Is(err, compute.ErrNotAllowed) {
		t.Errorf("the error is %v, want one that is %q", err, compute.ErrNotAllowed)
	}
}
