package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// The lever outlives the daemon: it is stored, and while the store fails the halt
// file stands in for it, which also engages it where somebody makes that file.

const (
	// leverPatience is how long a call waits for the lever to be stored.
	leverPatience = 3 * time.Second
	// haltFilePatience is how long it then waits for the halt file.
	haltFilePatience = time.Second
	// leverRetry is the longest pause between attempts to store it.
	leverRetry = 15 * time.Second
)

// loadLever takes over what an earlier daemon stored, and looks at the halt file.
func (e *Engine) loadLever(ctx context.Context) error {
	stored, err := e.store.Lever(ctx)
	if err != nil {
		return fmt.Errorf("read the lever: %w", err)
	}
	e.lever.adopt(stored)
	e.lookAtHaltFile()
	if why := e.lever.refuses(); why != "" {
		e.log.Warn("nothing will start: " + why + "; DELETE /api/1/halt or \"cmed resume\" releases it")
	}
	return nil
}

// lookAtHaltFile engages the lever when the halt file is there, be it engaged or
// not: it may just be being released.
func (e *Engine) lookAtHaltFile() {
	f := e.settings.HaltFile
	if f == nil {
		return
	}
	text, present := f.Read()
	if present {
		e.EngageLever(e.undos, "the halt file "+f.Path(), cmp.Or(text, "the file does not say why"))
	}
}

// watchHaltFile looks at the halt file whenever something about it changed.
func (e *Engine) watchHaltFile() {
	for e.undos.Err() == nil {
		sleep(e.undos, -1, e.settings.HaltFileChanged)
		if e.undos.Err() == nil {
			e.lookAtHaltFile()
		}
	}
}

// awaitStored has the lever stored, and waits a while for it. Before the start it
// does not: Start sees to it.
func (e *Engine) awaitStored(ctx context.Context) {
	poke(e.leverKept)
	limit, cancel := context.WithTimeout(ctx, leverPatience)
	defer cancel()
	err := e.changed.until(limit, func() (bool, error) {
		_, durable, _ := e.lever.now()
		return durable || !e.keeping.Load(), nil
	})
	if err == nil {
		if errors.Is(e.Ready(), errClosed) && !e.keeping.Load() { // nobody else does any more
			e.storeLast()
		}
		return
	}
	if ctx.Err() != nil {
		return
	}
	// The store does not answer, not even that it fails.
	written := make(chan struct{})
	if e.inBackground(func() { e.writeHaltFile(); close(written) }) {
		sleep(ctx, haltFilePatience, written)
	}
}

// keepLever stores the lever whenever it has changed, until the engine ends.
// While the store fails, the halt file stands in for it.
func (e *Engine) keepLever() {
	defer e.changed.notify()
	defer e.keeping.Store(false)
	pause := time.Duration(-1)
	for {
		err := e.storeLever()
		switch {
		case err == nil:
			pause = -1
		case pause < 0:
			e.log.Error("the lever could not be stored; it holds as long as the daemon lives, and is tried again", "error", err)
			e.writeHaltFile()
			pause = 100 * time.Millisecond
		default:
			pause = min(2*pause, leverRetry)
		}
		e.changed.notify()
		if e.undos.Err() != nil { // that was the last time
			return
		}
		sleep(e.undos, pause, e.leverKept)
	}
}

// storeLast stores what keepLever has not, or could not when it never ran.
func (e *Engine) storeLast() {
	if err := e.storeLever(); err != nil {
		e.log.Error("the lever could not be stored", "error", err)
		e.writeHaltFile()
	}
}

// storeLever stores the state as it is now.
func (e *Engine) storeLever() error {
	ctx, cancel := context.WithTimeout(context.Background(), leverRetry)
	defer cancel()
	leave, err := e.leverStoring.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for {
		state, changed := e.lever.toStore()
		if !changed {
			return nil
		}
		if err := e.store.SetLever(ctx, state); err != nil {
			return err
		}
		_ = failpoint.Hit(failpoint.EngineLeverStored)
		if e.lever.stored(state) {
			return nil
		}
	}
}

// writeHaltFile leaves word of an engaged lever for the next start.
func (e *Engine) writeHaltFile() {
	state, durable, _ := e.lever.now()
	if e.settings.HaltFile == nil || !state.Engaged || durable {
		return
	}
	if err := e.settings.HaltFile.Write(fmt.Sprintf("%s: %s", state.By, state.Reason)); err != nil {
		e.log.Error("the halt file could not be written either", "file", e.settings.HaltFile.Path(), "error", err)
	}
}
