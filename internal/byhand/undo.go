package byhand

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// Settled is what came of an undo.
type Settled struct {
	Folder string `json:"folder"`
	// Ref is what ran; "" when that had not begun.
	Ref     engine.Ref `json:"ref,omitempty"`
	Records []Record   `json:"records"`
	// Left counts the records whose harm may still be in place. If there are none,
	// the folder is gone.
	Left int `json:"left"`
}

// Undo finishes what an earlier process left in the folder of its run: it ends the
// plugin's processes that are still there, then executes the undo records that are
// not settled, with the same binary and in the same hosting. The first of
// interrupts, or the end of ctx, leaves the rest for later.
//
// ErrInUse is returned when the run, or another undo, still goes on; an error with
// CodeInvalid when it is no such folder.
func Undo(ctx context.Context, path string, u Undoing, interrupts <-chan error, to Reporter, log hclog.Logger) (_ *Settled, err error) {
	f, err := openRun(path, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.leave()) }()
	bound, end := heed(ctx, interrupts, to.Stopping, func() {})
	h, err := f.host(bound, func(h *host.Host) error { return f.endLeftovers(bound, h) })
	end()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	err = f.takeBack(ctx, h, u, interrupts, to)
	return &Settled{Folder: path, Ref: f.account.Ref, Records: f.records(), Left: len(f.ledger.reversible())}, err
}

// Abandon gives up what an earlier process left in the folder of its run: what is
// still to be undone stays in place, and the folder is removed. The plugin's processes
// that are still there are ended first. The end of ctx calls it off.
//
// The errors are those of Undo.
func Abandon(ctx context.Context, path string, log hclog.Logger) (_ *Settled, err error) {
	f, err := openRun(path, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.leave()) }()
	h, err := f.newHost()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := f.endLeftovers(ctx, h); err != nil {
		return nil, err
	}
	for _, sequence := range f.ledger.reversible() {
		if _, err := f.ledger.change(sequence, func(r *engine.UndoRecord) {
			r.State, r.Due, r.Finished = engine.RecordAbandoned, time.Time{}, time.Now().UTC()
		}); err != nil {
			return nil, err
		}
	}
	return &Settled{Folder: path, Ref: f.account.Ref, Records: f.records()}, nil
}

// openRun takes up the folder of a run that somebody named.
func openRun(path string, log hclog.Logger) (*folder, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, engine.Errorf(engine.CodeInvalid, "%s is a file: name the folder of a run", path)
	}
	f, err := openFolder(path, log)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, engine.Errorf(engine.CodeInvalid, "%s is not the folder of a run: what was to be undone there is undone, or it is another one", path)
	}
	return f, err
}

// endLeftovers ends the processes of a run whose cmed died: nothing is undone while
// one lives.
func (f *folder) endLeftovers(ctx context.Context, h *host.Host) error {
	left, err := h.Reap(ctx)
	if err != nil {
		return fmt.Errorf("end what the run left running: %w", err)
	}
	if slices.Contains(left.Stuck, f.account.Executor) {
		return errors.New("a process of the run can't be ended; its undo waits for that")
	}
	return nil
}

// takeBack undoes every record whose harm may be in place, the newest first. One
// that fails does not stop the others. It tries again, after pauses, as often as u
// says. The error is that of storing what came of it.
func (f *folder) takeBack(ctx context.Context, h *host.Host, u Undoing, interrupts <-chan error, to Reporter) error {
	ctx, end := heed(ctx, interrupts, to.Stopping, func() {})
	defer end()
	var errs []error
	for attempt := 1; attempt <= u.Attempts && ctx.Err() == nil; attempt++ {
		open := f.ledger.reversible()
		if len(open) == 0 {
			break
		}
		pause := time.Duration(0)
		if attempt < u.Attempts {
			pause = pauseAfter(attempt)
		}
		for _, sequence := range open {
			if ctx.Err() == nil {
				errs = append(errs, f.attempt(ctx, h, sequence, attempt, u, pause, to))
			}
		}
		if pause > 0 && len(f.ledger.reversible()) > 0 {
			wait(ctx, pause)
		}
	}
	return errors.Join(errs...)
}

// pauseAfter is the pause after the n-th attempt: 1 s, doubled each time, as in
// the daemon, but no longer than a person waits.
func pauseAfter(n int) time.Duration { return min(time.Second<<min(n-1, 10), 10*time.Second) }

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// attempt makes one attempt at one record.
func (f *folder) attempt(ctx context.Context, h *host.Host, sequence uint64, n int, u Undoing, pause time.Duration, to Reporter) error {
	record, err := f.ledger.change(sequence, func(r *engine.UndoRecord) {
		r.State, r.Attempts, r.Finished = engine.RecordUndoing, n, time.Time{}
	})
	if err != nil {
		return err
	}
	to.Undoing(f.shown(record))
	scrub := f.scrubber()
	answer, err := h.Undo(ctx, engine.UndoCall{
		Record: record, Config: f.account.Config, Seed: f.account.Seed, Attempt: n, Timeout: u.Timeout,
	}, func(e engine.LogEntry) { to.Log(scrub.Entry(e)) })
	if err != nil {
		answer = engine.UndoAnswer{Outcome: engine.OutcomeFailed, Message: err.Error()}
	}
	answer.Message = scrub.Text(answer.Message)
	record, err = f.ledger.change(sequence, func(r *engine.UndoRecord) {
		interrupted := ctx.Err() != nil && !answer.Outcome.Settles()
		r.Answered(answer, time.Now().UTC(), interrupted, u.Attempts)
		r.Due = time.Time{} // nobody comes by itself
	})
	if !record.State.Reversible() || ctx.Err() != nil {
		pause = 0
	}
	to.Undone(f.shown(record), pause)
	return err
}
