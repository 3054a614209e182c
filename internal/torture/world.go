package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

// world is a store, a state folder and plugins, with the daemon that lives on
// them now, if one does.
type world struct {
	dir    string
	bin    binaries
	daemon *daemon
	// file is the store, if it is not where it is usually.
	file string
	// serial numbers the plans.
	serial int
	// settled remembers the executors that were judged, with the state they ended
	// in: it may never change.
	settled map[string]string
}

// newWorld makes the folders. Paths are short: sockets lie in there.
func newWorld(dir string, bin binaries) (*world, error) {
	w := &world{dir: dir, bin: bin, settled: map[string]string{}}
	folders := append(script.Folders(dir), w.attacks(), w.planners(), w.temporary())
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("make a world: %w", err)
		}
	}
	return w, errors.Join(
		w.offer(w.attacks(), script.AttackFile),
		w.offer(w.attacks(), script.RawFile),
		w.offer(w.attacks(), script.BabbleFile),
		w.offer(w.planners(), script.PlannerFile),
	)
}

func (w *world) database() string {
	if w.file != "" {
		return w.file
	}
	return filepath.Join(w.dir, "cme.db")
}

func (w *world) state() string     { return filepath.Join(w.dir, "cme.state") }
func (w *world) attacks() string   { return filepath.Join(w.dir, "attacks") }
func (w *world) planners() string  { return filepath.Join(w.dir, "planners") }
func (w *world) temporary() string { return filepath.Join(w.dir, "tmp") }
func (w *world) log() string       { return filepath.Join(w.dir, "log") }

// offer puts a plugin into a folder.
func (w *world) offer(folder, name string) error {
	if err := os.Symlink(filepath.Join(w.bin.plugins, name), filepath.Join(folder, name)); err != nil {
		return fmt.Errorf("offer a plugin: %w", err)
	}
	return nil
}

// close ends the daemon and what a broken promise left running.
func (w *world) close() error {
	var err error
	if w.daemon.runs() {
		err = w.daemon.kill()
	}
	for _, p := range w.processes() {
		p.kill()
	}
	return err
}

// chance is the source of a round's random choices.
type chance struct{ *rand.Rand }

func newChance(seed, round uint64) chance {
	return chance{rand.New(rand.NewPCG(seed, round))} //nolint:gosec // it must be repeatable
}

// between returns a time from low to high.
func (c chance) between(low, high time.Duration) time.Duration {
	return low + time.Duration(c.Int64N(int64(high-low)+1))
}

// upTo returns a number from 1 to n.
func (c chance) upTo(n int) int { return 1 + c.IntN(n) }

// oneIn says yes once in n times.
func (c chance) oneIn(n int) bool { return c.IntN(n) == 0 }

func pick[T any](c chance, list []T) T { return list[c.IntN(len(list))] }
