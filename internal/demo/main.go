// Command demo shows what cmed does, in a few seconds and without any cloud: it
// starts the real daemon with a store of its own, posts a plan for a given
// second, waits, and shows the executor, its log and what has become of the
// target. The target is a small HTTP service that is called or, with -story aws,
// a small EC2 on loopback of whose instances one is terminated. It leaves
// nothing behind and fails when anything does not go as told. "make demo" and
// "make demo-aws" run it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit bounds the whole demo.
const limit = 20 * time.Second

func main() {
	binary := flag.String("daemon", "bin/cmed", "the cmed binary; attacks and planners are in folders beside it")
	about := flag.String("story", "api", "what is attacked: api (an HTTP service) or aws (EC2)")
	flag.Parse()
	targets := map[string]target{"api": &service{}, "aws": &cloud{}}
	t, ok := targets[*about]
	if !ok {
		fmt.Fprintf(os.Stderr, "demo: there is no story %q; there are api and aws\n", *about)
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ctx, stop := context.WithTimeout(ctx, limit)
	err := demonstrate(ctx, *binary, t, os.Stdout)
	stop()
	cancel()
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// target is what is attacked, and the part of the story that is about it.
type target interface {
	// open starts it, tells of it, and returns the variables that the daemon gets:
	// its zone, and by what it finds the target.
	open(context.Context, *story) (env []string, err error)
	// attack has the daemon attack it and shows what came of it.
	attack(context.Context, *story, *client) error
	// close ends it. It may not have been opened.
	close() error
}

// demonstrate plays the story and cleans up after it.
func demonstrate(ctx context.Context, binary string, t target, out io.Writer) (err error) {
	s := &story{out: out}
	dir, err := os.MkdirTemp("", "cmed-demo-*")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	defer func() { err = errors.Join(err, t.close()) }()
	env, err := t.open(ctx, s)
	if err != nil {
		return err
	}

	s.tell("The daemon starts, with an empty database.")
	d, err := startDaemon(ctx, binary, dir, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.kill()) }() // when it was not stopped below
	s.show("%s", d.greeting)

	if err := t.attack(ctx, s, &client{base: d.url}); err != nil {
		return errors.Join(err, d.complaints())
	}

	s.tell("SIGTERM ends the daemon.")
	if err := d.stop(ctx); err != nil {
		return errors.Join(err, d.complaints())
	}
	s.show("exit code 0; the folder with its database is removed")
	return nil
}
