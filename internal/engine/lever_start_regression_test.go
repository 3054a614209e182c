package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The comment of each test says what went wrong before it.

// unreapable is a stage on which no daemon can start for now.
type unreapable struct{ *stage }

func (unreapable) Reap(context.Context) (engine.Reaped, error) {
	return engine.Reaped{}, errors.New("the processes can't be listed")
}

// SIGUSR1 while the daemon starts, and the start fails: the service manager
// starts it again, and nothing is halted. "It counts even while the daemon starts" (configuration.md).
func TestALeverEngagedInAStartThatFailsIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.shutdown()
		e := engine.New(d.settings, d.file, unreapable{d.stage})
		e.EngageLever(t.Context(), "SIGUSR1", "the daemon received SIGUSR1")
		if err := e.Start(t.Context()); err == nil {
			t.Fatal("started")
		}
		if err := e.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.start()
		if !d.Lever().Engaged {
			t.Error("the lever was forgotten")
		}
	})
}

// The same when the last run is at rest and the daemon is about to exit.
func TestALeverEngagedAtTheEndOfTheShutdownIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.shutdown()
		if state := d.EngageLever(t.Context(), "SIGUSR1", "the daemon received SIGUSR1"); !state.Durable {
			t.Logf("it says so: durable %v, halt file %q", state.Durable, state.HaltFile)
		}
		d.start()
		if !d.Lever().Engaged {
			t.Error("the lever was forgotten")
		}
	})
}

// Too many releases at once are told about plans, and make the daemon write
// a halt file.
func TestManyReleasesAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		s := held(d, nil)
		d.EngageLever(t.Context(), "ana", "stop")
		in(time.Second)
		s.before.Store(int64(100 * time.Millisecond))
		var group sync.WaitGroup
		var mu sync.Mutex
		said := map[string]int{}
		for range 70 {
			group.Go(func() {
				if _, err := d.ReleaseLever(context.Background(), "ben"); err != nil {
					mu.Lock()
					defer mu.Unlock()
					said[err.Error()]++
				}
			})
		}
		group.Wait()
		for text, n := range said {
			if strings.Contains(text, "plans") {
				t.Errorf("%d releases: %q", n, text)
			}
		}
	})
}
