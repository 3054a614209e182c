package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/bench/minimal/stamp"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// isolatedRounds is how often each is run.
const isolatedRounds = 120

// attackRef is the benchmark's attack.
const attackRef = "bench:Stamp"

// measureIsolated runs in turn: a process that ends at once; the minimal
// go-plugin program; the same work as an attack of our SDK in our host.
func measureIsolated(ctx context.Context, w *world) (rows []row, err error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, w, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	ways := []func() error{
		func() error { return exec.CommandContext(ctx, w.program("noop")).Run() }, //nolint:gosec // built by this program
		func() error { return runMinimal(ctx, w.program("goplugin"), r.marks) },
		func() error { return r.run(ctx) },
	}
	samples := make([]sample, len(ways))
	rounds := w.times(isolatedRounds)
	for round := range rounds {
		for i := range ways {
			i = (i + round) % len(ways) // none always comes after the same other
			begin := time.Now()
			if err := ways[i](); err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], time.Since(begin))
		}
	}
	marks, err := stamp.Read(r.marks)
	if err != nil {
		return nil, err
	}
	if len(marks) != 2*rounds {
		return nil, fmt.Errorf("%d of %d runs left their mark", len(marks), 2*rounds)
	}
	bare, minimal, ours := inMilliseconds(samples[0].median()), inMilliseconds(samples[1].median()), inMilliseconds(samples[2].median())
	return []row{
		newRow("one isolated run, cold", ours, "bare fork and exec", bare),
		newRow("one isolated run, cold", ours, "minimal go-plugin program", minimal).atMost(1.5),
	}, nil
}

// runner is a host as the daemon has it, with the benchmark's attack.
type runner struct {
	store *store.Store
	host  *host.Host
	offer engine.Offer
	start engine.Start
	marks string // file
}

func newRunner(ctx context.Context, w *world, dir string) (r *runner, err error) {
	if err := host.Harden(); err != nil { // as the daemon does
		return nil, err
	}
	r = &runner{marks: filepath.Join(dir, "marks")}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.store, err = store.Open(filepath.Join(dir, "cme.db")); err != nil {
		return r, err
	}
	r.host, err = host.New(host.Config{
		AttacksDir: w.benchAttacks, PlannersDir: w.benchPlanners, StateDir: filepath.Join(dir, "state"),
		StoreID: r.store.ID(), Cache: r.store,
	})
	if err != nil {
		return r, err
	}
	if err := r.host.Start(ctx); err != nil {
		return r, err
	}
	if r.offer, err = r.host.Offer(engine.KindAttack, attackRef); err != nil {
		return r, err
	}
	doc, err := json.Marshal(configured{attackRef, map[string]any{"path": r.marks}})
	r.start = engine.Start{
		Plan: engine.NewPlanID(), PlanName: "bench", Name: "bench", Timeout: time.Minute, Zone: "UTC",
		Config: engine.Config{Ref: attackRef, Doc: doc},
	}
	return r, err
}

// run is a whole life of the attack: launch, start, result, and nothing left.
func (r *runner) run(ctx context.Context) error {
	start := r.start
	start.Executor, start.Due = engine.NewExecutorID(), time.Now()
	process, err := r.host.Launch(ctx, r.offer, start.Executor)
	if err != nil {
		return err
	}
	exit := process.Run(ctx, start, silence{})
	switch {
	case exit.Failure != nil:
		return fmt.Errorf("the attack failed: %s", exit.Failure.Message)
	case !exit.Finished:
		return fmt.Errorf("the attack did not finish: %w", exit.Err)
	}
	return nil
}

func (r *runner) close() error {
	var err error
	if r.host != nil {
		err = r.host.Close()
	}
	if r.store != nil {
		err = errors.Join(err, r.store.Close())
	}
	return err
}

// silence is an engine.Sink for an attack that has little to say.
type silence struct{}

func (silence) Started(time.Time)                {}
func (silence) Log(engine.LogEntry)              {}
func (silence) Progress(engine.Progress)         {}
func (silence) Targets([]engine.Target)          {}
func (silence) Result(json.RawMessage)           {}
func (silence) Undo(engine.NewUndo) error        { return nil }
func (silence) Undone(uint64, engine.UndoAnswer) {}
