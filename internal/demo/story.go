package main

import (
	"context"
	"fmt"
	"io"
)

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

// post has the daemon make a plan, and shows and returns its executors.
func (s *story) post(ctx context.Context, c *client, document []byte) ([]executor, error) {
	plan, err := c.post(ctx, document)
	if err != nil {
		return nil, err
	}
	s.show("POST /api/1/plans/ -> plan %s", plan.ID)
	executors, err := c.executors(ctx, plan.ID)
	if err != nil {
		return nil, err
	}
	for _, ex := range executors {
		s.show("executor %s, due at %s, is %s", ex.ID, ex.Due, ex.State)
	}
	return executors, nil
}

// record shows what the daemon has on record of an executor. That it didn't
// succeed is an error.
func (s *story) record(ctx context.Context, c *client, ex executor) error {
	s.tell("What is on record of it.")
	s.show("executor  %s", ex.ID)
	s.show("state     %s", ex.State)
	s.show("due       %s", ex.Due)
	s.show("lag       %.1f ms after its time", ex.Lag)
	for _, t := range ex.hit() {
		s.show("hit       %s  %s", t.id, t.name)
	}
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
