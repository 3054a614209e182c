package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// overview is what stands on the screen.
type overview struct {
	at       time.Time
	status   client.Status
	me       client.Me
	running  []client.Executor
	next     []client.Executor
	failures []client.Executor // the last of the last day
	unrun    unrun             // of the last day
	undos    []client.Undo     // that are not settled
	plugins  []client.Plugin   // in trouble
}

const (
	// fewRows is how many of a thing the screen has room for.
	fewRows = 5
	// failedWithin is how old the failures are that it shows.
	failedWithin = 24 * time.Hour
	// lastByDue is how many of the failures that were due last are looked through for
	// those that ended last.
	lastByDue = 100
	// mostUnrun bounds how many that did not run are counted.
	mostUnrun = 1000
)

// What the parts of the screen ask for.
var (
	runningStates = []string{"starting", "running"}
	failureStates = []string{"failed", "timed_out", "crashed", "lost"}
	refusedStates = []string{"blocked", "missed"} // due, and not run
	openUndos     = []string{"failed", "open", "undoing"}
	troubles      = map[string]bool{"broken": true, "conflict": true, "incompatible": true}
)

// look asks the daemon for all of it.
func look(ctx context.Context, c *client.Client, now time.Time) (o overview, err error) {
	if o.status, err = c.Status(ctx); err != nil {
		return o, err
	}
	now = now.In(o.status.Zone())
	o.at = now
	if o.me, err = c.Me(ctx); err != nil && !isNotFound(err) { // one from before there were keys
		return o, err
	}
	if o.running, _, err = c.Executors(ctx, client.ExecutorQuery{States: runningStates, Limit: fewRows}); err != nil {
		return o, err
	}
	if o.next, _, err = c.Executors(ctx, client.ExecutorQuery{States: []string{"scheduled"}, Limit: fewRows}); err != nil {
		return o, err
	}
	if o.failures, err = lastFailures(ctx, c, now); err != nil {
		return o, err
	}
	if o.unrun, err = lastUnrun(ctx, c, now); err != nil {
		return o, err
	}
	if o.status.Undos.Failed+o.status.Undos.Open+o.status.Undos.Undoing > 0 {
		if o.undos, err = c.Undos(ctx, openUndos...); err != nil {
			return o, err
		}
	}
	plugins, err := c.Plugins(ctx)
	for _, p := range plugins {
		if troubles[p.State] {
			o.plugins = append(o.plugins, p)
		}
	}
	return o, err
}

func isNotFound(err error) bool {
	refusal, ok := errors.AsType[*client.Refusal](err)
	return ok && refusal.Status == http.StatusNotFound
}

// lastFailures returns the last executors that ran and failed, the last one first.
func lastFailures(ctx context.Context, c *client.Client, now time.Time) ([]client.Executor, error) {
	q := client.ExecutorQuery{States: failureStates, From: lastDay(now), Newest: true, Limit: lastByDue}
	failed, more, err := c.Executors(ctx, q)
	if errors.Is(err, client.ErrOldestFirst) {
		if err = nil; more {
			q.Newest, q.Limit = false, 0
			failed, _, err = c.Executors(ctx, q)
		}
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(failed, func(a, b client.Executor) int { return b.Finished.Compare(a.Finished) })
	return failed[:min(len(failed), fewRows)], nil
}

// unrun counts executors that were due and did not run.
type unrun struct {
	blocked, missed int
	more            bool // than are counted
}

// lastUnrun counts those of the last day, the last of them if there are many.
func lastUnrun(ctx context.Context, c *client.Client, now time.Time) (unrun, error) {
	executors, more, err := c.Executors(ctx, client.ExecutorQuery{
		States: refusedStates, From: lastDay(now), Newest: true, Limit: mostUnrun,
	})
	if errors.Is(err, client.ErrOldestFirst) {
		err = nil // they are counted, in whatever order
	}
	n := unrun{more: more}
	for _, e := range executors {
		switch e.State {
		case "blocked":
			n.blocked++
		case "missed":
			n.missed++
		}
	}
	return n, err
}

// lastDay is when the last day began, as the API reads dates.
func lastDay(now time.Time) string { return now.Add(-failedWithin).Format(time.RFC3339) }
