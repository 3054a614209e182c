package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// daemon is an engine on a real store and a scripted host. It can be killed and
// started again, as a process can.
type daemon struct {
	*engine.Engine
	t        *testing.T
	stage    *stage
	settings engine.Settings
	file     *store.Store
	mortal   *mortalStore
	boot     string
}

// inBubble runs a test with its own clock.
func inBubble(t *testing.T, test func(t *testing.T, d *daemon)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		defer d.end()
		test(t, d)
	})
}

func newDaemon(t *testing.T) *daemon {
	t.Helper()
	file, err := store.Open(filepath.Join(t.TempDir(), "cme.db"))
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, stage: newStage(t), file: file, boot: "boot-1"}
	d.settings = engine.Settings{Cores: 2, Boot: d.bootTime, UndoAttempts: 3}
	d.start()
	return d
}

// bootTime is a boot clock that started with the bubble.
func (d *daemon) bootTime() engine.BootTime {
	return engine.BootTime{ID: d.boot, Elapsed: time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))}
}

func (d *daemon) start() {
	d.t.Helper()
	d.mortal = &mortalStore{Store: d.file}
	d.Engine = engine.New(d.settings, d.mortal, d.stage)
	if err := d.Start(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// kill ends the daemon as SIGKILL does: nothing more reaches the store, and its
// processes die with it.
func (d *daemon) kill() {
	d.mortal.dead.Store(true)
	d.stage.kill()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it gets no time
	_ = d.Shutdown(ctx)
	synctest.Wait()
	d.stage.revive()
}

func (d *daemon) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := d.Shutdown(ctx); err != nil {
		d.t.Errorf("shutdown: %v", err)
	}
	if err := d.file.Close(); err != nil {
		d.t.Errorf("close the store: %v", err)
	}
}

// mortalStore refuses every write once it is dead.
type mortalStore struct {
	engine.Store
	dead        atomic.Bool
	transitions atomic.Int32
	finishIn    atomic.Int64 // how long the end of a run takes to store
	full        atomic.Bool  // nothing can be claimed
	leverFails  atomic.Bool  // the lever can't be stored
	countFails  atomic.Bool  // undo records can't be counted
	late        atomic.Int64 // how long after a write its caller may hear of it
}

// heard keeps who has written from hearing of it for a while.
func (m *mortalStore) heard() {
	if late := m.late.Load(); late > 0 {
		time.Sleep(rand.N(time.Duration(late)))
	}
}

// heardSoon is heard for who holds a lock: the time of a bubble stands still as
// long as somebody waits for one.
func (m *mortalStore) heardSoon() {
	if m.late.Load() > 0 {
		for range rand.N(200) {
			runtime.Gosched()
		}
	}
}

var errDead = errors.New("the daemon is dead")

func (m *mortalStore) CreatePlan(ctx context.Context, p engine.Plan, list []engine.Executor, r *engine.Receipt) error {
	if m.dead.Load() {
		return errDead
	}
	defer m.heard()
	return m.Store.CreatePlan(ctx, p, list, r)
}

func (m *mortalStore) Transition(ctx context.Context, ids []engine.ExecutorID, fn func(*engine.Executor) error) ([]engine.Executor, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	m.transitions.Add(1)
	defer m.heard()
	return m.Store.Transition(ctx, ids, fn)
}

func (m *mortalStore) SaveRun(ctx context.Context, run engine.Run, log []engine.LogEntry) error {
	if m.dead.Load() {
		return errDead
	}
	return m.Store.SaveRun(ctx, run, log)
}

func (m *mortalStore) FinishRun(ctx context.Context, f engine.Finish) (engine.Executor, error) {
	if m.dead.Load() {
		return engine.Executor{}, errDead
	}
	time.Sleep(time.Duration(m.finishIn.Load()))
	defer m.heardSoon()
	return m.Store.FinishRun(ctx, f)
}

func (m *mortalStore) AppendLog(ctx context.Context, id engine.ExecutorID, log []engine.LogEntry) error {
	if m.dead.Load() {
		return errDead
	}
	return m.Store.AppendLog(ctx, id, log)
}

func (m *mortalStore) AddUndo(ctx context.Context, r engine.UndoRecord, limit int) error {
	if m.dead.Load() {
		return errDead
	}
	defer m.heard()
	return m.Store.AddUndo(ctx, r, limit)
}

func (m *mortalStore) Claim(ctx context.Context, ids []engine.ExecutorID, fn func(*engine.Executor) error) ([]engine.Executor, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	if m.full.Load() {
		return nil, engine.Errorf(engine.CodeFull, "the disk is full")
	}
	defer m.heardSoon()
	return m.Store.Claim(ctx, ids, fn)
}

func (m *mortalStore) SetLever(ctx context.Context, l engine.Lever) error {
	if m.dead.Load() || m.leverFails.Load() {
		return errDead
	}
	return m.Store.SetLever(ctx, l)
}

func (m *mortalStore) UpdateUndo(ctx context.Context, id engine.UndoID, fn func(*engine.UndoRecord) error) (engine.UndoRecord, error) {
	if m.dead.Load() {
		return engine.UndoRecord{}, errDead
	}
	defer m.heard()
	return m.Store.UpdateUndo(ctx, id, fn)
}

func (m *mortalStore) UndoCounts(ctx context.Context) (engine.UndoCounts, error) {
	if m.countFails.Load() {
		return nil, errDead
	}
	return m.Store.UndoCounts(ctx)
}

// plan posts a plan of attack whose executors are due after the delays given.
func (d *daemon) plan(attack engine.Ref, delays ...time.Duration) engine.Plan {
	d.t.Helper()
	return d.planWith(engine.PlanSpec{Name: "test", Attack: config(attack, nil)}, delays...)
}

func (d *daemon) planWith(spec engine.PlanSpec, delays ...time.Duration) engine.Plan {
	d.t.Helper()
	spec.Planner = config(listed, map[string]any{"at": instants(delays...)})
	created, err := d.CreatePlan(d.t.Context(), spec)
	if err != nil {
		d.t.Fatalf("create plan: %v", err)
	}
	return created.Plan
}

func instants(delays ...time.Duration) []time.Time {
	at := make([]time.Time, len(delays))
	for i, delay := range delays {
		at[i] = time.Now().UTC().Add(delay)
	}
	return at
}

func config(ref engine.Ref, args any) engine.Config {
	doc, err := json.Marshal(map[string]any{"ref": ref, "args": args})
	if args == nil {
		doc, err = json.Marshal(map[string]any{"ref": ref})
	}
	if err != nil {
		panic(err)
	}
	return engine.Config{Ref: ref, Doc: doc}
}

// executors returns a plan's executors by due time.
func (d *daemon) executors(id engine.PlanID) []engine.Executor {
	d.t.Helper()
	list, _, err := d.Executors(d.t.Context(), engine.ExecutorQuery{Plan: id, Limit: 1000})
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func (d *daemon) only(id engine.PlanID) engine.Executor {
	d.t.Helper()
	list := d.executors(id)
	if len(list) != 1 {
		d.t.Fatalf("%d executors, want 1", len(list))
	}
	return list[0]
}

// in lets the time pass and everything come to rest.
func in(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// is checks the state, and that every final state but success has a reason.
func (d *daemon) is(id engine.PlanID, want engine.State) engine.Executor {
	d.t.Helper()
	ex := d.only(id)
	if ex.State != want {
		d.t.Fatalf("state %s (%s), want %s", ex.State, ex.Reason, want)
	}
	if ex.State.Final() && ex.State != engine.Succeeded && ex.Reason == "" {
		d.t.Errorf("%s without a reason", ex.State)
	}
	return ex
}

// shutdown ends the daemon gracefully; start may follow.
func (d *daemon) shutdown() {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.Shutdown(ctx); err != nil {
		d.t.Fatalf("shutdown: %v", err)
	}
}

// restartWith starts the daemon again with other settings.
func (d *daemon) restartWith(change func(*engine.Settings)) {
	d.t.Helper()
	d.shutdown()
	change(&d.settings)
	d.start()
}

// shutdownFirst makes a plan and ends the daemon.
func (d *daemon) shutdownFirst(plan func() engine.PlanID) {
	d.t.Helper()
	plan()
	d.shutdown()
}
