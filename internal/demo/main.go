// Command demo shows what cmed does, in a few seconds and without any cloud: it
// starts the real daemon with a store of its own, posts a plan that calls a
// small HTTP service of the demo at a given second, waits, and shows the
// executor and its log. It leaves nothing behind and fails when anything does
// not go as told. "make demo" runs it.
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
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ctx, stop := context.WithTimeout(ctx, limit)
	err := demonstrate(ctx, *binary, os.Stdout)
	stop()
	cancel()
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// story tells the reader what happens.
type story struct {
	out  io.Writer
	step int
}

func (s *story) tell(what string) {
	s.step++
	fmt.Fprintf(s.out, "\n%d. %s\n", s.step, what)
}

// show prints a detail of the step.
func (s *story) show(format string, args ...any) {
	fmt.Fprintf(s.out, "     %s\n", fmt.Sprintf(format, args...))
}

// demonstrate plays the story and cleans up after it.
func demonstrate(ctx context.Context, binary string, out io.Writer) (err error) {
	s := &story{out: out}
	dir, err := os.MkdirTemp("", "cmed-demo-*")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	target, err := startSink(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	s.tell("A small HTTP service starts; it stands for a system under attack.")
	s.show("%s", target.url)

	s.tell("The daemon starts, with an empty database.")
	d, err := startDaemon(ctx, binary, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.kill()) }() // when it was not stopped below
	s.show("%s", d.greeting)

	if err := attack(ctx, s, &client{base: d.url}, target); err != nil {
		return errors.Join(err, d.complaints())
	}

	s.tell("SIGTERM ends the daemon.")
	if err := d.stop(ctx); err != nil {
		return errors.Join(err, d.complaints())
	}
	s.show("exit code 0; the folder with its database is removed")
	return nil
}

// attack posts the plan and shows what came of it.
func attack(ctx context.Context, s *story, c *client, target *sink) error {
	due := time.Now().Add(3 * time.Second).UTC().Truncate(time.Second)
	s.tell("A plan: exact_planner picks the instant, api_request is the attack.")
	plan, err := c.post(ctx, due, target.url)
	if err != nil {
		return err
	}
	s.show("POST /api/1/plans/ -> plan %s", plan.ID)
	s.show("%s will run at %s", count(plan.Pending, "executor"), plan.Next)

	s.tell("At that instant the daemon runs the attack in a process of its own.")
	ex, err := c.wait(ctx, plan.ID)
	if err != nil {
		return err
	}
	if ex.State == "succeeded" {
		got, err := target.received(ctx)
		if err != nil {
			return err
		}
		s.show("the service was called: %s %s with %s", got.method, got.path, got.body)
	}

	s.tell("What is on record of it.")
	s.show("executor  %s", ex.ID)
	s.show("state     %s", ex.State)
	s.show("due       %s", ex.Due)
	s.show("lag       %.1f ms after its time", ex.Lag)
	log, err := c.log(ctx, ex.ID)
	if err != nil {
		return err
	}
	for _, line := range log {
		s.show("log       %s", line)
	}
	if ex.State != "succeeded" {
		return fmt.Errorf("the executor is %s, not succeeded: %s", ex.State, ex.Reason)
	}
	return nil
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
