package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// How often the executors are looked at while the daemon tells of every change,
// and while it does not.
const (
	lookWhileTold   = 30 * time.Second
	lookWhileUntold = time.Second
)

// follow waits until the executors of plans are over, and returns an error whose
// exit code says how they ended.
func (l *planning) follow(ctx context.Context, c *client.Client, plans []client.Plan) error {
	if l.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, l.timeout, fmt.Errorf("--timeout is %s", l.timeout))
		defer cancel()
	}
	w := newWaiting(c, plans)
	w.line = newProgressLine(l.stderr, l.screenOf(l.stderr))
	if !w.line.screen.Watched {
		w.lost = &outage{to: l.stderr, what: "the wait"}
	}
	if !l.forPrograms() {
		w.over = func(e client.Executor) {
			w.line.clear()
			l.sayOver(e)
		}
	}
	err := w.wait(ctx)
	w.line.clear()
	verdict := w.verdict()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the plan is made, but what became of it can't be seen: %w", err)
	}
	if l.forPrograms() {
		if err := l.write(w.document(verdict)); err != nil {
			return err
		}
	} else {
		l.say("%s", verdict.words)
	}
	switch {
	case err != nil:
		return &exitError{exitUnfinished, fmt.Errorf("the wait is over, the executors are not: %w; the daemon goes on: %s", context.Cause(ctx), callOff(plans))}
	case verdict.code != 0:
		return &exitError{code: verdict.code} // the words have said it
	default:
		return nil
	}
}

// callOff says how to call plans off.
func callOff(plans []client.Plan) string {
	if len(plans) > 1 {
		return "cmed plan halt ID calls a plan off"
	}
	return "cmed plan halt " + printable(plans[0].ID) + " calls it off"
}

// sayOver tells of an executor that is over.
func (l *planning) sayOver(e client.Executor) {
	text := e.State
	if e.Name != "" {
		text = e.Name + ", " + text
	}
	if !e.Started.IsZero() && !e.Finished.IsZero() {
		text += " after " + screen.Took(e.Finished.Sub(e.Started))
	}
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if undo := undoWord(e.Undo); undo != "" {
		text += ", undo " + undo
	}
	l.say("executor %s: %s", printable(e.ID), l.screen().Paint(screen.OfState(e.State), printable(text)))
}

// waiting follows the executors of some plans.
type waiting struct {
	client *client.Client
	plans  []client.Plan
	// over, if set, is called once for each executor that is over.
	over func(client.Executor)
	line *progressLine
	// lost tells those who see no line that the daemon is gone; nil: nobody.
	lost *outage

	executors map[string]client.Executor
	order     []string        // their ids, as they were first seen
	told      map[string]bool // those that over was called for
	deleted   map[string]bool
	// looked is set when all plans have been looked at once: before that nothing
	// is known of some.
	looked bool
}

func newWaiting(c *client.Client, plans []client.Plan) *waiting {
	return &waiting{
		client: c, plans: plans,
		executors: map[string]client.Executor{}, told: map[string]bool{}, deleted: map[string]bool{},
	}
}

// news is what the stream of events has to say.
type news struct {
	change *client.Change
	// told says whether changes are told from now on; read it without a change.
	told bool
}

// wait returns when all executors are over, when ctx ends, or with the error of a
// daemon that refuses. One that can't be reached is waited for.
func (w *waiting) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var streaming sync.WaitGroup
	defer streaming.Wait()
	defer cancel()
	from := make(chan news)
	streaming.Go(func() { w.stream(ctx, from) })

	look := time.NewTimer(0)
	defer look.Stop()
	draw := time.NewTicker(time.Second)
	defer draw.Stop()
	every := lookWhileUntold
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-draw.C:
		case <-look.C:
			err = w.lookAtAll(ctx)
			w.tellLost(ctx, err)
			look.Reset(every)
		case n := <-from:
			switch {
			case n.change != nil:
				err = w.apply(ctx, *n.change)
			case n.told:
				every = lookWhileTold
				look.Reset(0) // for what changed before
			default:
				every = lookWhileUntold
				look.Reset(every)
			}
		}
		switch {
		case err != nil && ctx.Err() == nil && !isUnreachable(err):
			return err
		case w.isOver():
			return nil
		}
		w.line.show(w.progress(time.Now(), err))
	}
}

// tellLost tells whether a look found the daemon.
func (w *waiting) tellLost(ctx context.Context, err error) {
	switch {
	case w.lost == nil || ctx.Err() != nil:
	case err == nil:
		w.lost.over()
	case isUnreachable(err):
		w.lost.begin()
	}
}

// stream passes on what the daemon tells until ctx ends, and takes the stream up
// again when it breaks off. A daemon that has no events says nothing.
func (w *waiting) stream(ctx context.Context, to chan<- news) {
	tell := func(n news) bool {
		select {
		case to <- n:
			return true
		case <-ctx.Done():
			return false
		}
	}
	q := client.EventQuery{Types: []string{"plan", "executor", "undo"}}
	if len(w.plans) == 1 {
		q.Plan = w.plans[0].ID
	}
	pause := shortestPause
	q.Opened = func() {
		pause = shortestPause
		tell(news{told: true})
	}
	for ctx.Err() == nil {
		last, err := w.client.Events(ctx, q, func(change client.Change) bool { return tell(news{change: &change}) })
		q.After = last
		if err == nil || !tell(news{}) {
			return
		}
		if refusal, ok := errors.AsType[*client.Refusal](err); ok && refusal.Status != http.StatusServiceUnavailable {
			return
		}
		sleep(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// apply takes a change in.
func (w *waiting) apply(ctx context.Context, change client.Change) error {
	switch {
	case change.Type == client.Reset, change.Plan != nil:
		return w.lookAtAll(ctx)
	case change.Executor != nil:
		e := *change.Executor
		if change.Type == "executor.deleted" {
			w.remove(e.ID)
		} else if _, ours := w.executors[e.ID]; ours {
			w.take(e)
		}
	case change.Undo != nil:
		if _, ours := w.executors[change.Undo.Executor]; ours {
			e, err := w.client.Executor(ctx, change.Undo.Executor)
			if err != nil {
				return w.lookAtAll(ctx) // it may be gone
			}
			w.take(e)
		}
	}
	return nil
}

// lookAtAll reads all executors. Those that are not there any more are deleted.
func (w *waiting) lookAtAll(ctx context.Context) error {
	seen := map[string]bool{}
	for _, p := range w.plans {
		executors, _, err := w.client.Executors(ctx, client.ExecutorQuery{Plan: p.ID, All: true})
		if err != nil {
			return err
		}
		for _, e := range executors {
			seen[e.ID] = true
			w.take(e)
		}
	}
	for _, id := range w.order {
		if !seen[id] {
			w.remove(id)
		}
	}
	w.looked = true
	return nil
}

func (w *waiting) take(e client.Executor) {
	if _, known := w.executors[e.ID]; !known {
		w.order = append(w.order, e.ID)
	}
	w.executors[e.ID] = e
	if !isOver(e) || w.told[e.ID] {
		return
	}
	w.told[e.ID] = true
	if w.over != nil {
		w.over(e)
	}
}

func (w *waiting) remove(id string) {
	if _, known := w.executors[id]; known {
		w.deleted[id] = true
	}
}

// isOver says whether an executor is final and nothing of it is being undone.
func isOver(e client.Executor) bool { return e.Final() && !e.Undoing() }

func (w *waiting) isOver() bool {
	if !w.looked {
		return false
	}
	for _, id := range w.order {
		if !w.deleted[id] && !isOver(w.executors[id]) {
			return false
		}
	}
	return true
}

// progressLine is a line on a terminal that is written over and over.
type progressLine struct {
	to     io.Writer
	screen screen.Screen
}

// newProgressLine shows nothing where nobody watches.
func newProgressLine(to io.Writer, s screen.Screen) *progressLine {
	return &progressLine{to: to, screen: s}
}

func (p *progressLine) show(text string) {
	if p.screen.Watched {
		fmt.Fprint(p.to, "\r\x1b[K"+p.screen.Shorten(text))
	}
}

func (p *progressLine) clear() {
	if p.screen.Watched {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}
