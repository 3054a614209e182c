package ec2

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestAwaitWaitsForAll(t *testing.T) {
	s := newAWS(t)
	s.Settle(30 * time.Millisecond)
	var ids []string
	for range 250 {
		ids = append(ids, s.Add(awstest.Instance{}).ID)
	}
	d := mustOpen(t, quick)
	if _, err := d.Stop(t.Context(), compute.Order{IDs: ids}); err != nil {
		t.Fatal(err)
	}
	if err := d.Await(t.Context(), compute.Stopped, ids...); err != nil {
		t.Fatal(err)
	}
	for _, i := range s.Instances("eu-west-1") {
		if i.State != "stopped" {
			t.Fatalf("%s is %s after the wait", i.ID, i.State)
		}
	}
	if _, err := d.Start(t.Context(), compute.Order{IDs: ids[:1]}); err != nil {
		t.Fatal(err)
	}
	if err := d.Await(t.Context(), compute.Running, ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := d.Await(t.Context(), compute.Running); err != nil {
		t.Errorf("nobody is awaited: %v", err)
	}
}

func TestAwaitInVain(t *testing.T) {
	const nobody = "i-0123456789abcdef0"
	const remedy = "; see the instance's state reason, and who else changes it"
	tests := []struct {
		name   string
		is     string
		want   compute.State
		kind   error
		reason string // after the id
	}{
		{"terminated by somebody else", "terminated", compute.Stopped, compute.ErrBadState, " is terminated and won't be stopped" + remedy},
		{"about to be terminated", "shutting-down", compute.Running, compute.ErrBadState, " is terminating and won't be running" + remedy},
		{"stopped by somebody else", "stopping", compute.Running, compute.ErrBadState, " is stopping and won't be running" + remedy},
		{"started by somebody else", "pending", compute.Stopped, compute.ErrBadState, " is pending and won't be stopped" + remedy},
		{"failed to start", "stopped", compute.Running, compute.ErrBadState, " is stopped and won't be running" + remedy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newAWS(t)
			s.Settle(time.Hour)
			id := s.Add(awstest.Instance{State: tt.is}).ID
			err := mustOpen(t, quick).Await(t.Context(), tt.want, id)
			wantError(t, err, tt.kind, "wait for instances: "+id+tt.reason)
		})
	}
	t.Run("not there", func(t *testing.T) {
		newAWS(t)
		d := mustOpen(t, quick)
		wantError(t, d.Await(t.Context(), compute.Running, nobody), compute.ErrNotFound, "wait for instances: there is no instance "+nobody)
		if err := d.Await(t.Context(), compute.Terminated, nobody); err != nil {
			t.Errorf("one that isn't there is terminated, but: %v", err)
		}
	})
	t.Run("a state that EC2 doesn't have", func(t *testing.T) {
		newAWS(t)
		err := mustOpen(t, quick).Await(t.Context(), compute.Paused, nobody)
		wantError(t, err, compute.ErrBadState, "wait for instances: an instance can't be awaited paused")
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	s := newAWS(t)
	s.Settle(time.Hour)
	id := s.Add(awstest.Instance{}).ID
	d := mustOpen(t, quick)
	if _, err := d.Terminate(t.Context(), compute.Order{IDs: []string{id}}); err != nil {
		t.Fatal(err)
	}
	late := errors.New("the wait of 5m is over")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, late)
	defer cancel()
	err := d.Await(ctx, compute.Terminated, id)
	if !errors.Is(err, late) {
		t.Errorf("%v doesn't wrap the context's cause", err)
	}
	ended := "wait for instances: " + id + " was not yet terminated when the wait ended: the wait of 5m is over"
	if got := err.Error(); got != ended && got != "DescribeInstances: ended without an answer of "+s.URL()[len("http://"):]+": the wait of 5m is over" {
		t.Errorf("the error is %q, want %q", got, ended)
	}
}

// What goes wrong while waiting is said as it is elsewhere.
func TestAwaitFailsWithTheCallsError(t *testing.T) {
	s := newAWS(t)
	id := s.Add(awstest.Instance{}).ID
	s.Deny("DescribeInstances")
	err := mustOpen(t, quick).Await(t.Context(), compute.Stopped, id)
	wantError(t, err, compute.ErrNotAllowed, "DescribeInstances: UnauthorizedOperation: You are not authorized to perform this operation; "+remedyAllow)
}
