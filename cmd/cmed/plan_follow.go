package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
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
		w.lost.to = l.stderr
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
	if err != nil && !l.forPrograms() {
		w.eachUndoing(l.sayOver)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errOutage) {
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
	case errors.Is(err, errOutage):
		return &exitError{exitUnfinished, fmt.Errorf("the wait is over, what became of the executors is not known: %w", err)}
	case err != nil && verdict.code == exitUnfinished:
		return &exitError{exitUnfinished, fmt.Errorf("the wait is over, the executors are not: %w; the daemon goes on: %s", context.Cause(ctx), callOff(plans))}
	case err != nil:
		return &exitError{exitNotUndone, fmt.Errorf("the wait is over, and so are the executors, but not their undo: %w; the daemon goes on, see cmed undos%s",
			context.Cause(ctx), l.undoTrouble(context.WithoutCancel(ctx), c, w))}
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

// undoTroubleWait bounds how long it is asked what keeps an undo from its end.
const undoTroubleWait = 3 * time.Second

// undoTrouble tells what the last attempts to undo came to, a line for each record; ""
// when nobody tried, or it can't be had.
func (l *planning) undoTrouble(ctx context.Context, c *client.Client, w *waiting) (words string) {
	ctx, cancel := context.WithTimeout(ctx, undoTroubleWait)
	defer cancel()
	records, err := c.Undos(ctx, "open", "undoing")
	if err != nil {
		return "" // cmed undos will say why
	}
	for _, u := range records {
		if _, ours := w.executors[u.Executor]; ours && u.Message != "" {
			words += fmt.Sprintf("\n%s: %s after %s: %s", printable(u.ID), u.State, count(u.Attempts, "attempt"), printable(u.Message))
		}
	}
	return words
}

// sayOver tells of an executor that is over.
func (l *planning) sayOver(e client.Executor) {
	text := stateWords(e)
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
