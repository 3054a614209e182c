package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// world is what the measurements share: the binaries, a temporary folder, and
// stores that take a while to fill.
type world struct {
	quick    bool
	dir      string // temporary; all is kept in here
	cmed     string // the daemon
	attacks  string // folder of the attacks that are shipped
	planners string
	minimal  string // folder of the minimal programs
	// benchAttacks and benchPlanners are folders with the bench's own plugins.
	benchAttacks, benchPlanners string

	progress io.Writer
	begun    time.Time
	folders  int
	stores   map[string]seededStore
	crowd    *crowd // the greatest burst, once there was one
}

// newWorld builds the minimal programs. Call close when done.
func newWorld(ctx context.Context, o options, progress io.Writer) (w *world, err error) {
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.bin, err)
	}
	w = &world{
		quick: o.quick, progress: progress, begun: time.Now(), stores: map[string]seededStore{},
		cmed: filepath.Join(bin, "cmed"), attacks: filepath.Join(bin, "attacks"), planners: filepath.Join(bin, "planners"),
	}
	if _, err := os.Stat(w.cmed); err != nil {
		return nil, fmt.Errorf("find the daemon (make build makes it): %w", err)
	}
	if w.dir, err = os.MkdirTemp("", "cmed-bench-"); err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	w.minimal = filepath.Join(w.dir, "minimal")
	w.benchAttacks, w.benchPlanners = filepath.Join(w.dir, "attacks"), filepath.Join(w.dir, "planners")
	if err := w.build(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// close removes all that was made.
func (w *world) close() error { return os.RemoveAll(w.dir) } //nolint:gosec // our own folder

// build makes the programs as make build makes those that are shipped.
func (w *world) build(ctx context.Context) error {
	w.note("building the minimal programs")
	const packages = "github.com/chaos-monkey-engine/cmed/internal/bench/minimal/"
	for folder, names := range map[string][]string{
		w.minimal:       {"noop", "web", "goplugin"},
		w.benchAttacks:  {"attack"},
		w.benchPlanners: {"planner"},
	} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return fmt.Errorf("make a temporary folder: %w", err)
		}
		args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", folder + string(filepath.Separator)}
		for _, name := range names {
			args = append(args, packages+name)
		}
		c := exec.CommandContext(ctx, "go", args...) //nolint:gosec // fixed but for the folder
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build the minimal programs: %w\n%s", err, out)
		}
	}
	return nil
}

// program is the path of a minimal program.
func (w *world) program(name string) string { return filepath.Join(w.minimal, name) }

// folder makes a new one.
func (w *world) folder() (string, error) {
	w.folders++
	path := filepath.Join(w.dir, strconv.Itoa(w.folders))
	if err := os.Mkdir(path, 0o700); err != nil { //nolint:gosec // in our own folder
		return "", fmt.Errorf("make a temporary folder: %w", err)
	}
	return path, nil
}

// note tells who waits what is being done.
func (w *world) note(format string, args ...any) {
	fmt.Fprintf(w.progress, "%6.1fs  %s\n", time.Since(w.begun).Seconds(), fmt.Sprintf(format, args...))
}

// times is how often to measure: n, or less when in a hurry.
func (w *world) times(n int) int {
	if w.quick {
		return max(n/5, 2)
	}
	return n
}

// most is the largest number of executors that is stored.
func (w *world) most() int {
	if w.quick {
		return 10_000
	}
	return 100_000
}
