package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
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
	p.stdout = brokenPipe{p.stdout}
	root := newRoot(p)
	root.SetArgs(p.args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil || errors.Is(err, errUnread) {
		return 0
	}
	exit := &exitError{code: exitFailure, err: err}
	errors.As(err, &exit)
	if exit.err != nil {
		fmt.Fprintf(p.stderr, "cmed: %v\n", err)
	}
	if exit.code == exitUsage {
		fmt.Fprintf(p.stderr, "See '%s --help'.\n", cmd.CommandPath())
	}
	return exit.code
}

// brokenPipe is an output that nobody may read to its end, as in cmed plan |
// head -1: what was done is done, whether or not all of it is read. Who only shows
// writes to a pipe that ends the command.
type brokenPipe struct{ io.Writer }

func (b brokenPipe) Write(text []byte) (int, error) {
	n, err := b.Writer.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		return len(text), nil
	}
	return n, err
}

// variable is a variable of the environment, "" when it is not set.
func (p program) variable(name string) string {
	for _, entry := range p.env {
		if n, value, ok := strings.Cut(entry, "="); ok && n == name {
			return value
		}
	}
	return ""
}
