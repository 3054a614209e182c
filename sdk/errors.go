package sdk

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// StopCause is why a run was stopped.
type StopCause string

// The causes.
const (
	Halted     StopCause = "halted"     // by a person or the lever
	TimedOut   StopCause = "timed out"  // the run's timeout is over
	Shutdown   StopCause = "shutdown"   // the host is stopping
	HostGone   StopCause = "host gone"  // the host has died or let go of the plugin
	Terminated StopCause = "terminated" // the process got SIGTERM
)

// StopError is the cause (context.Cause) of the end of a run's context.
type StopError struct {
	Cause  StopCause
	Reason string // in words; may be empty
}

func (e *StopError) Error() string {
	if e.Reason == "" {
		return "stopped: " + string(e.Cause)
	}
	return "stopped: " + string(e.Cause) + ": " + e.Reason
}

// ErrNotRecorded is wrapped by the error of Run.Do and Run.Record when the host
// did not confirm that the undo record is durable. No harm was done then.
var ErrNotRecorded = errors.New("the undo record is not durable")

// ErrDryRun is returned by Run.Record in a dry run: there is no record, so no
// harm may be done.
var ErrDryRun = errors.New("a dry run stores no undo record: no harm may be done")

// Invalid returns an error about the config. The pointer is a JSON pointer
// relative to args, like "/min_time", or empty for the args as a whole. For a
// planner the host makes a refusal of the request of it. The format may have a
// %w.
func Invalid(pointer, format string, args ...any) error {
	return &invalidError{pointer: "/args" + pointer, err: fmt.Errorf(format, args...)}
}

// InvalidConfig is Invalid with a pointer into the whole config, for an offer
// with Info.Whole.
func InvalidConfig(pointer, format string, args ...any) error {
	return &invalidError{pointer: pointer, err: fmt.Errorf(format, args...)}
}

type invalidError struct {
	pointer string // into the whole config
	err     error
}

func (e *invalidError) Error() string { return e.err.Error() }

func (e *invalidError) Unwrap() error { return e.err }

// panicError is a panic of the author's code.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// errGoexit is returned for code that ended its goroutine.
var errGoexit = errors.New("the plugin's code called runtime.Goexit")

// protect calls the author's code in a goroutine of its own and waits for it. A
// panic comes back as an error.
func protect(code func() error) error {
	done := make(chan error, 1)
	go func() {
		result := errGoexit
		defer func() {
			if value := recover(); value != nil {
				result = &panicError{value, debug.Stack()}
			}
			done <- result
		}()
		result = code()
	}()
	return <-done
}

// failure is how an error crosses the wire; nil for nil.
func failure(ctx context.Context, err error) *pluginv1.Failure {
	if err == nil {
		return nil
	}
	f := &pluginv1.Failure{Message: text(err.Error())}
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && cause != nil && !errors.Is(cause, context.Canceled) {
		f.Message = text(cause.Error())
	}
	if invalid, ok := asType[*invalidError](err); ok {
		f.Pointer = text(invalid.pointer)
	}
	if panicked, ok := asType[*panicError](err); ok {
		f.Stack = text(string(panicked.stack))
	}
	return f
}

// asType is errors.As without the variable.
func asType[E error](err error) (E, bool) {
	var target E
	ok := errors.As(err, &target)
	return target, ok
}

// longestText bounds a text that is sent, in bytes.
const longestText = 64 << 10

// text makes a string fit to be sent: valid UTF-8, which the protocol demands,
// and of bounded length.
func text(s string) string { return cut(s, longestText) }

// cut makes a string valid UTF-8 and bounds its length.
func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
