package awstest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	s := open(t)
	s.Add(Instance{ID: "i-0000000a"})
	c := client(t, s, s.Credentials())
	terminate := func(ctx context.Context) error {
		_, err := orders["TerminateInstances"](ctx, c, false, "i-0000000a")
		return err
	}

	s.Inject(Fault{Action: "TerminateInstances", Throttle: true, Times: 2})
	s.Inject(Fault{Action: "*", Code: "InternalError", Status: 500})
	for range 2 {
		wantError(t, terminate(within(t)), "RequestLimitExceeded", "Request limit exceeded.")
	}
	wantError(t, terminate(within(t)), "InternalError", "")

	s.Inject(Fault{Action: "TerminateInstances", Body: "<html>proxy"})
	if err := terminate(within(t)); err == nil || !strings.Contains(err.Error(), "deserialization") {
		t.Errorf("garbage: got %v", err)
	}

	s.Inject(Fault{Action: "TerminateInstances", Hang: true})
	ctx, cancel := context.WithTimeout(within(t), 100*time.Millisecond)
	defer cancel()
	if err := terminate(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hangs: got %v", err)
	}
	if got := statesOf(s); got != "i-0000000a=running" {
		t.Errorf("a fault changed something: %s", got)
	}

	s.Inject(Fault{Action: "TerminateInstances", Drop: true})
	if err := terminate(within(t)); !errors.Is(err, io.EOF) {
		t.Errorf("dropped: got %v", err)
	}
	if got := statesOf(s); got != "i-0000000a=terminated" {
		t.Errorf("dropped, but not done: %s", got)
	}
	if err := terminate(within(t)); err != nil {
		t.Errorf("all faults are used up: %v", err)
	}

	var codes []string
	for _, call := range s.Calls() {
		codes = append(codes, call.Code)
	}
	if got, want := strings.Join(codes, " "), "RequestLimitExceeded RequestLimitExceeded InternalError Fault Fault Fault "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFaultForEver(t *testing.T) {
	s := open(t)
	s.Inject(Fault{Action: "DescribeInstances", Throttle: true, Times: -1})
	c := client(t, s, s.Credentials())
	for range 5 {
		_, err := list(t, c)
		wantError(t, err, "RequestLimitExceeded", "")
	}
}

func TestNobodyUnknownMeetsAFault(t *testing.T) {
	s := open(t)
	s.Inject(Fault{Action: "*", Drop: true})
	_, err := list(t, client(t, s, Credentials{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "x"}))
	wantError(t, err, "AuthFailure", "AWS was not able to validate the provided access credentials")
}

func TestCloseEndsWhatHangs(t *testing.T) {
	s := open(t)
	s.Inject(Fault{Action: "*", Hang: true})
	c := client(t, s, s.Credentials())
	ended := make(chan error, 1)
	go func() {
		_, err := list(t, c)
		ended <- err
	}()
	for ctx := within(t); len(s.Calls()) == 0; {
		if ctx.Err() != nil {
			t.Fatal("the call did not come")
		}
	}
	s.Close()
	s.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the call that hung was answered")
		}
	case <-within(t).Done():
		t.Error("the call still hangs")
	}
}
