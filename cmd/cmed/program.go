package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// program is what a call of cmed gets from the outside.
type program struct {
	args           []string
	env            []string // "NAME=value"
	stdin          io.Reader
	stdout, stderr io.Writer
	// signals receives SIGINT and SIGTERM (stop; a second one at once, see
	// orders), SIGHUP (rescan) and SIGUSR1 (halt). May be nil.
	signals <-chan os.Signal
}

// The exit codes. They are part of the interface, see the README.
const (
	exitFailure = 1 // it failed at run time
	exitUsage   = 2 // a flag, variable or configuration file is wrong
	exitInUse   = 3 // the port, the database or the state folder belongs to another process
)

// exitError is an error that decides the exit code.
type exitError struct {
	code int
	err  error // nil: everything has been said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// run executes one call of cmed and returns its exit code. A daemon runs until
// a signal comes or ctx ends.
func run(ctx context.Context, p program) int {
	root := newRoot(p)
	root.SetArgs(p.args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	exit := &exitError{code: exitFailure, err: err}
	errors.As(err, &exit)
	if exit.err != nil {
		fmt.Fprintf(p.stderr, "cmed: %v\n", err)
	}
	if exit.code == exitUsage {
		fmt.Fprintln(p.stderr, "See 'cmed --help'.")
	}
	return exit.code
}
