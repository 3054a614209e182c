package ec2

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// state returns the server's own state of an instance.
func state(t *testing.T, s *awstest.Server, id string) string {
	t.Helper()
	for _, i := range s.Instances("eu-west-1") {
		if i.ID == id {
			return i.State
		}
	}
	t.Fatalf("there is no instance %s", id)
	return ""
}

func TestOrdersAreCarriedOut(t *testing.T) {
	tests := []struct {
		name, before, after string
		do                  func(compute.Driver) func(*testing.T, compute.Order) ([]compute.Change, error)
		from, to            compute.State
	}{
		{"start", "stopped", "running", starting, compute.Stopped, compute.Pending},
		{"stop", "running", "stopped", stopping, compute.Running, compute.Stopping},
		{"terminate", "running", "terminated", terminating, compute.Running, compute.Terminating},
		{"reboot", "running", "running", rebooting, compute.Running, compute.Running},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newAWS(t)
			hit, hitToo, spared := s.Add(awstest.Instance{State: tt.before}), s.Add(awstest.Instance{State: tt.before}), s.Add(awstest.Instance{State: tt.before})
			do := tt.do(mustOpen(t, quick))

			// Twice named is once meant.
			order := compute.Order{IDs: []string{hitToo.ID, hit.ID, hit.ID}, DryRun: true}
			if changes, err := do(t, order); err != nil || len(changes) != 0 {
				t.Fatalf("dry run: %v, %v", changes, err)
			}
			if got := state(t, s, hit.ID); got != tt.before {
				t.Fatalf("after the dry run it is %s", got)
			}

			order.DryRun = false
			changes, err := do(t, order)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]compute.Change{hit.ID: {ID: hit.ID, From: tt.from, To: tt.to}, hitToo.ID: {ID: hitToo.ID, From: tt.from, To: tt.to}}
			if len(changes) != 2 || changes[0] != want[changes[0].ID] || changes[1] != want[changes[1].ID] || changes[0].ID == changes[1].ID {
				t.Errorf("the changes are %v, want %v", changes, want)
			}
			if _, err := mustOpen(t, quick).Find(t.Context(), hit.ID); err != nil { // lets it settle
				t.Fatal(err)
			}
			for id, want := range map[string]string{hit.ID: tt.after, hitToo.ID: tt.after, spared.ID: tt.before} {
				if got := state(t, s, id); got != want {
					t.Errorf("%s is %s, want %s", id, got, want)
				}
			}
		})
	}
}

type ordering = func(*testing.T, compute.Order) ([]compute.Change, error)

func starting(d compute.Driver) ordering {
	return func(t *testing.T, o compute.Order) ([]compute.Change, error) { return d.Start(t.Context(), o) }
}

func stopping(d compute.Driver) ordering {
	return func(t *testing.T, o compute.Order) ([]compute.Change, error) { return d.Stop(t.Context(), o) }
}

func terminating(d compute.Driver) ordering {
	return func(t *testing.T, o compute.Order) ([]compute.Change, error) { return d.Terminate(t.Context(), o) }
}

func rebooting(d compute.Driver) ordering {
	return func(t *testing.T, o compute.Order) ([]compute.Change, error) { return d.Reboot(t.Context(), o) }
}

func TestOrdersThatAreRefused(t *testing.T) {
	s := newAWS(t)
	d := mustOpen(t, quick)
	running, gone := s.Add(awstest.Instance{}).ID, s.Add(awstest.Instance{State: "terminated"}).ID
	const nobody = "i-0123456789abcdef0"

	_, err := d.Terminate(t.Context(), compute.Order{IDs: []string{running, nobody}})
	wantError(t, err, compute.ErrNotFound, "TerminateInstances: InvalidInstanceID.NotFound: The instance ID '"+nobody+"' does not exist; "+families["InvalidInstanceID"].remedy)
	if got := state(t, s, running); got != "running" {
		t.Errorf("although the order was refused it is %s", got)
	}
	_, err = d.Start(t.Context(), compute.Order{IDs: []string{gone}})
	wantError(t, err, compute.ErrBadState, "StartInstances: IncorrectInstanceState: The instance '"+gone+"' is not in a state from which it can be started; "+remedyState)

	calls := len(s.Calls())
	if changes, err := d.Terminate(t.Context(), compute.Order{}); err != nil || changes != nil || len(s.Calls()) != calls {
		t.Errorf("an order to nobody: %v, %v, %d calls", changes, err, len(s.Calls())-calls)
	}
}

// The answer is lost, the order is not given up, and nobody dies twice.
func TestALostAnswerToATermination(t *testing.T) {
	s := newAWS(t)
	i := s.Add(awstest.Instance{})
	s.Inject(awstest.Fault{Action: "TerminateInstances", Times: 1, Drop: true})
	changes, err := mustOpen(t, quick).Terminate(t.Context(), compute.Order{IDs: []string{i.ID}})
	if err != nil || len(changes) != 1 || changes[0].ID != i.ID {
		t.Errorf("got %v, %v", changes, err)
	}
	if got := state(t, s, i.ID); got != "terminated" && got != "shutting-down" {
		t.Errorf("it is %s", got)
	}
}

// Of an order in several calls, what was done comes back with what was not.
func TestMoreThanOneCallTakes(t *testing.T) {
	s := newAWS(t)
	ids := make([]string, 1500)
	for i := range ids {
		ids[i] = s.Add(awstest.Instance{}).ID
	}
	d := mustOpen(t, usual)
	if err := dryRunAll(t, d, ids); err != nil {
		t.Fatal(err)
	}
	sorted := distinct(ids)
	changes, err := d.Terminate(t.Context(), compute.Order{IDs: ids})
	if err != nil || len(changes) != len(ids) {
		t.Fatalf("%d changes, %v", len(changes), err)
	}

	// The second half of another order isn't there.
	beyond := append(sorted[:1000:1000], "i-fffffffffffffffff")
	changes, err = d.Terminate(t.Context(), compute.Order{IDs: beyond})
	if len(changes) != 1000 || !errors.Is(err, compute.ErrNotFound) {
		t.Errorf("%d changes, %v; want 1000 and that one isn't found", len(changes), err)
	}
}

func dryRunAll(t *testing.T, d compute.Driver, ids []string) error {
	t.Helper()
	changes, err := d.Terminate(t.Context(), compute.Order{IDs: ids, DryRun: true})
	if len(changes) != 0 {
		return fmt.Errorf("a dry run made %d changes", len(changes))
	}
	return err
}

// Some emulators don't know DryRun. Nobody must believe that nothing was done.
func TestADryRunThatIsIgnoredIsSaid(t *testing.T) {
	serve(t, answering(200,
		`<StopInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instancesSet/></StopInstancesResponse>`))
	_, err := mustOpen(t, quick).Stop(t.Context(), compute.Order{IDs: []string{"i-1"}, DryRun: true})
	if err == nil || !strings.Contains(err.Error(), "the endpoint has ignored that it was a dry run") {
		t.Errorf("the error is %v", err)
	}
}
