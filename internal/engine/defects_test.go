package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// gate lets a test delay or fail store calls.
type gate struct {
	engine.Store
	finish   func() error
	saveRun  func() error
	drop     func()
	created  func()
	change   func()
	claim    func() error
	update   func() error
	dueCalls atomic.Int64
	undoDue  atomic.Int64
}

func (g *gate) FinishRun(ctx context.Context, f engine.Finish) (engine.Executor, error) {
	if g.finish != nil {
		if err := g.finish(); err != nil {
			return engine.Executor{}, err
		}
	}
	return g.Store.FinishRun(ctx, f)
}

func (g *gate) SaveRun(ctx context.Context, r engine.Run, l []engine.LogEntry) error {
	if g.saveRun != nil {
		if err := g.saveRun(); err != nil {
			return err
		}
	}
	return g.Store.SaveRun(ctx, r, l)
}

func (g *gate) CreatePlan(ctx context.Context, p engine.Plan, list []engine.Executor, r *engine.Receipt) error {
	err := g.Store.CreatePlan(ctx, p, list, r)
	if g.created != nil {
		g.created()
	}
	return err
}

func (g *gate) Transition(ctx context.Context, ids []engine.ExecutorID, fn func(*engine.Executor) error) ([]engine.Executor, error) {
	if g.change != nil {
		g.change()
	}
	return g.Store.Transition(ctx, ids, fn)
}

func (g *gate) DeletePlan(ctx context.Context, id engine.PlanID) error {
	if g.drop != nil {
		g.drop()
	}
	return g.Store.DeletePlan(ctx, id)
}

func (g *gate) Claim(ctx context.Context, ids []engine.ExecutorID, fn func(*engine.Executor) error) ([]engine.Executor, error) {
	if g.claim != nil {
		if err := g.claim(); err != nil {
			return nil, err
		}
	}
	return g.Store.Claim(ctx, ids, fn)
}

func (g *gate) UpdateUndo(ctx context.Context, id engine.UndoID, fn func(*engine.UndoRecord) error) (engine.UndoRecord, error) {
	if g.update != nil {
		if err := g.update(); err != nil {
			return engine.UndoRecord{}, err
		}
	}
	return g.Store.UpdateUndo(ctx, id, fn)
}

func (g *gate) Due(ctx context.Context, u time.Time, l int, s func(engine.ExecutorID) bool) ([]engine.Executor, error) {
	g.dueCalls.Add(1)
	return g.Store.Due(ctx, u, l, s)
}

func (g *gate) DueUndos(ctx context.Context, u time.Time, l int, s func(engine.ExecutorID) bool) ([]engine.UndoRecord, error) {
	g.undoDue.Add(1)
	return g.Store.DueUndos(ctx, u, l, s)
}

// gated restarts the daemon on a gate.
func gated(d *daemon, change func(*engine.Settings)) *gate {
	d.shutdown()
	if change != nil {
		change(&d.settings)
	}
	g := &gate{Store: d.file}
	d.mortal = &mortalStore{Store: g}
	d.Engine = engine.New(d.settings, d.mortal, d.stage)
	if err := d.Start(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return g
}

func TestClockChangeReachesBothLoops(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		clock := make(chan struct{}, 1)
		g := gated(d, func(s *engine.Settings) { s.ClockChanged = clock })
		d.plan(noop, 24*time.Hour)
		synctest.Wait()
		for i := range 10 {
			a, b := g.dueCalls.Load(), g.undoDue.Load()
			clock <- struct{}{}
			synctest.Wait()
			if g.dueCalls.Load() == a || g.undoDue.Load() == b {
				t.Errorf("step %d: scheduler looked %v, undo loop looked %v", i, g.dueCalls.Load() > a, g.undoDue.Load() > b)
			}
		}
	})
}

func TestEndNotStoredForTenSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		d.stage.attacks["test:X"] = harming(1, fails)
		var full atomic.Bool
		full.Store(true)
		g.finish = func() error {
			if full.Load() {
				return errors.New("no space left on device")
			}
			return nil
		}
		plan := d.plan("test:X", time.Second)
		in(15 * time.Second)
		full.Store(false)
		in(24 * time.Hour)
		id := d.only(plan.ID).ID
		_, err := d.HaltExecutor(t.Context(), id, "enough")
		in(time.Hour)
		ex := d.only(plan.ID)
		if ex.Undo != engine.UndoUndone || !ex.State.Final() {
			t.Errorf("a day after the disk had room again, and halted by hand (error %v): state %s, undo %s, undo attempts %d", err, ex.State, ex.Undo, len(d.stage.undone()))
		}
	})
}

// Who hangs up while the plan is being stored has made it: it is named all the same,
// so that it is on record whose it is.
func TestAPlanThatIsStoredIsAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		ctx, hangUp := context.WithCancel(t.Context())
		g.created = hangUp
		made, err := d.CreatePlan(ctx, engine.PlanSpec{
			Name: "test", Attack: config(noop, nil), Planner: config(listed, map[string]any{"at": instants(time.Hour)}),
		})
		if err != nil || made.Plan.ID == "" {
			t.Errorf("the answer is plan %q, %v", made.Plan.ID, err)
		}
		if plans, _, err := d.Plans(t.Context(), engine.PlanQuery{}); len(plans) != 1 {
			t.Errorf("%d plans are stored: %v", len(plans), err)
		}
	})
}

// A plan's halt stops what runs though the store hangs that is to call off the rest.
func TestAPlanIsHaltedWhileTheStoreHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		var stopped atomic.Int32
		d.stage.attacks["test:Waits"] = func(ctx context.Context, start engine.Start, sink engine.Sink) engine.Exit {
			defer stopped.Add(1)
			return hold(ctx, start, sink)
		}
		plan := d.plan("test:Waits", time.Second, time.Second, 24*time.Hour)
		in(2 * time.Second)
		hangs := make(chan struct{})
		g.change = func() { <-hangs }
		halted := make(chan error)
		go func() {
			_, err := d.HaltPlan(t.Context(), plan.ID, "enough")
			halted <- err
		}()
		in(time.Second)
		if n := stopped.Load(); n != 2 {
			t.Errorf("%d of 2 runs are stopped", n)
		}
		close(hangs)
		if err := <-halted; err != nil {
			t.Error(err)
		}
		in(time.Second)
		for i, want := range []engine.State{engine.Halted, engine.Halted, engine.Cancelled} {
			if ex := d.executors(plan.ID)[i]; ex.State != want {
				t.Errorf("executor %d is %s (%s), want %s", i, ex.State, ex.Reason, want)
			}
		}
	})
}

func TestMoveAnsweredButNotStored(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		var full atomic.Bool
		g.finish = func() error {
			if full.Load() {
				return errors.New("no space left on device")
			}
			return nil
		}
		plan := d.plan(noop, 10*time.Second)
		in(10*time.Second - 50*time.Millisecond)
		d.is(plan.ID, engine.Starting)
		full.Store(true)
		id := d.only(plan.ID).ID
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		ex, _, err := d.MoveExecutor(ctx, id, time.Now().Add(time.Hour))
		full.Store(false)
		in(3 * time.Hour)
		if got := d.only(plan.ID); err == nil && got.State != engine.Succeeded {
			t.Errorf("move answered state %s, due in %s, error %v; three hours later it is %s, started %d times",
				ex.State, time.Until(ex.Due), err, got.State, d.stage.startsOf(id))
		}
	})
}

func TestHaltWhileAMoveIsStored(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		plan := d.plan(noop, 10*time.Second)
		in(10*time.Second - 50*time.Millisecond)
		g.finish = func() error { time.Sleep(20 * time.Millisecond); return nil }
		id := d.only(plan.ID).ID
		go func() { _, _, _ = d.MoveExecutor(t.Context(), id, time.Now().Add(time.Hour)) }()
		in(5 * time.Millisecond)
		_, err := d.HaltExecutor(t.Context(), id, "enough")
		in(2 * time.Hour)
		if n := d.stage.startsOf(id); n != 0 {
			t.Errorf("halted with error %v, and yet it was started %d times; state %s", err, n, d.only(plan.ID).State)
		}
	})
}

func TestMoveOfOneThatIsFailingToStart(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		g.finish = func() error { time.Sleep(20 * time.Millisecond); return nil }
		d.stage.attacks["test:Gone"] = succeed
		plan := d.plan("test:Gone", 10*time.Second)
		d.stage.mu.Lock()
		delete(d.stage.attacks, "test:Gone")
		d.stage.mu.Unlock()
		in(9 * time.Second) // claimed 0 ms.. before
		for range 900 {
			if d.only(plan.ID).State == engine.Starting {
				break
			}
			in(time.Millisecond)
		}
		id := d.only(plan.ID).ID
		ex, w, err := d.MoveExecutor(t.Context(), id, time.Now().Add(time.Hour))
		if err == nil && ex.State != engine.Scheduled {
			t.Errorf("the move was answered with success, warnings %q; the executor is %s (%s)", w, ex.State, ex.Reason)
		}
	})
}

func TestHaltWhenTheRunHasJustSucceeded(t *testing.T) {
	for _, del := range []bool{false, true} {
		t.Run(fmt.Sprint("deletion ", del), func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *daemon) {
				// It answered success; its process takes 300 ms to exit (exitPatience is 500 ms).
				d.stage.attacks["test:X"] = harming(1, func(context.Context, engine.Start, engine.Sink) engine.Exit {
					time.Sleep(300 * time.Millisecond)
					return engine.Exit{Finished: true}
				})
				plan := d.plan("test:X", time.Second)
				in(time.Second + 100*time.Millisecond)
				d.is(plan.ID, engine.Running)
				var err error
				if del {
					_, err = d.DeletePlan(t.Context(), plan.ID, false)
				} else {
					_, err = d.HaltExecutor(t.Context(), d.only(plan.ID).ID, "undo it")
				}
				in(time.Hour)
				if len(d.stage.undone()) == 0 {
					t.Errorf("error %v; the harm was never taken back", err)
				}
			})
		})
	}
}

func TestMixedGraces(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, func(s *engine.Settings) { s.MaxConcurrentRuns = 1 })
		d.stage.attacks["test:Long"] = lasting(10 * time.Minute)
		d.plan("test:Long", time.Second)
		in(2 * time.Second)
		d.planWith(engine.PlanSpec{Name: "patient", Attack: config(noop, nil), MisfireGrace: 2 * time.Hour}, time.Second)
		short := d.planWith(engine.PlanSpec{Name: "short", Attack: config(noop, nil), MisfireGrace: time.Second}, 2*time.Second)
		in(10 * time.Second)
		before := g.dueCalls.Load()
		in(10 * time.Second)
		if n := g.dueCalls.Load() - before; n > 30 {
			t.Errorf("the scheduler read the store %d times in 10 s", n)
		}
		if ex := d.only(short.ID); ex.State != engine.Missed {
			t.Errorf("18 s after its time with a grace of 1 s: %s", ex.State)
		}
	})
}

func TestLateInTheMiddle(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.planWith(engine.PlanSpec{Name: "patient", Attack: config(noop, nil), MisfireGrace: 2 * time.Hour}, 9*time.Second)
		short := d.planWith(engine.PlanSpec{Name: "short", Attack: config(noop, nil), MisfireGrace: time.Second}, 10*time.Second)
		d.shutdown()
		in(time.Minute * 30)
		d.start()
		in(time.Second)
		ex := d.is(short.ID, engine.Missed)
		if d.stage.launched != 1 || strings.Contains(ex.Reason, "starting its process") {
			t.Errorf("%d launched; reason %q", d.stage.launched, ex.Reason)
		}
	})
}

func TestClaimBehindASlowCommit(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		d.stage.launchIn = 10 * time.Millisecond
		slow := true
		g.claim = func() error {
			if slow {
				slow = false
				time.Sleep(900 * time.Millisecond) // behind the commit of a large plan
			}
			return nil
		}
		d.stage.attacks["test:Busy"] = lasting(5 * time.Second)
		d.plan("test:Busy", 10*time.Second)
		second := d.plan(noop, 10*time.Second+700*time.Millisecond+250*time.Millisecond)
		in(15 * time.Second)
		ex := d.is(second.ID, engine.Succeeded)
		if ex.Lag > 50*time.Millisecond {
			t.Errorf("the commit was over 300 ms before its time, and yet it is late by %s", ex.Lag)
		}
	})
}

func TestNoBootClock(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.restartWith(func(s *engine.Settings) { s.Boot = func() engine.BootTime { return engine.BootTime{} } })
		plan := d.plan(noop, 10*time.Second)
		in(time.Hour)
		if ex := d.only(plan.ID); ex.State != engine.Succeeded {
			t.Errorf("an hour later: %s, started %d times", ex.State, d.stage.startsOf(ex.ID))
		}
	})
}

type chattyStage struct{ *stage }

func (s chattyStage) Undo(ctx context.Context, call engine.UndoCall, log func(engine.LogEntry)) (engine.UndoAnswer, error) {
	for i := range 5000 {
		log(engine.LogEntry{Level: "info", Source: "undo", Message: fmt.Sprint(i, strings.Repeat("x", 1000))})
	}
	return engine.UndoAnswer{Outcome: engine.OutcomeRetry}, nil
}

func TestUndoLogIsCapped(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.shutdown()
		d.Engine = engine.New(d.settings, d.mortal, chattyStage{d.stage})
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.stage.attacks["test:X"] = harming(1, fails)
		plan := d.plan("test:X", time.Second)
		in(time.Minute)
		log, _ := d.file.Log(t.Context(), d.only(plan.ID).ID, 0, 1_000_000)
		size := 0
		for _, e := range log {
			size += len(e.Message)
		}
		if limit := 3 * 256 << 10; size > limit {
			t.Errorf("%d lines, %d KiB are stored of three attempts; each is capped at 256 KiB", len(log), size>>10)
		}
	})
}

func TestALogThatCouldNotBeStoredOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		once := true
		g.saveRun = func() error {
			if once {
				once = false
				return errors.New("hiccup")
			}
			return nil
		}
		d.stage.attacks["test:X"] = func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit {
			sink.Log(engine.LogEntry{Level: "info", Message: "the one line that matters"})
			return lasting(10*time.Second)(ctx, s, sink)
		}
		plan := d.plan("test:X", time.Second)
		in(20 * time.Second)
		log, _ := d.Log(t.Context(), d.only(plan.ID).ID, 0, 100)
		run, _, _ := d.RunOf(t.Context(), d.only(plan.ID).ID)
		if len(log) != 1 {
			t.Errorf("%d lines on record, %d said to be dropped", len(log), run.LogDropped)
		}
	})
}

func TestSecretInTarget(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:X"] = func(_ context.Context, _ engine.Start, sink engine.Sink) engine.Exit {
			sink.Targets([]engine.Target{{ID: "https://host/?key=s3cr3t-value", Name: "s3cr3t-value", State: "s3cr3t-value"}})
			return engine.Exit{Finished: true}
		}
		plan := d.planWith(engine.PlanSpec{Name: "t", Attack: config("test:X", map[string]any{"token": "s3cr3t-value"})}, time.Second)
		in(2 * time.Second)
		run, _, _ := d.RunOf(t.Context(), d.only(plan.ID).ID)
		if strings.Contains(fmt.Sprint(run.Targets), "s3cr3t") {
			t.Errorf("shown: %v", run.Targets)
		}
	})
}

func TestAbandonedWhileItsUndoBegins(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		d.stage.attacks["test:X"] = harming(1, fails)
		n := 0
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			n++
			if n > 1 {
				time.Sleep(10 * time.Second)
			}
			return engine.UndoAnswer{Outcome: engine.OutcomeRetry}, nil
		}
		g.drop = func() { time.Sleep(2 * time.Second) } // a busy committer
		plan := d.plan("test:X", time.Second)
		in(time.Second + 10*time.Millisecond)
		id := d.only(plan.ID).ID
		_, err := d.DeletePlan(t.Context(), plan.ID, true)
		in(time.Hour)
		records, _ := d.file.Undos(t.Context(), id)
		for _, r := range records {
			if r.State != engine.RecordAbandoned {
				t.Errorf("deleted with abandon (error %v); the record is %s, %d attempts: %s", err, r.State, r.Attempts, r.Message)
			}
		}
	})
}

func TestTwoDeletions(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		var mu sync.Mutex
		var log bytes.Buffer
		d.restartWith(func(s *engine.Settings) {
			s.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Mutex: &mu, Level: hclog.Error})
		})
		d.stage.attacks["test:Slow"] = harming(1, hold)
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			time.Sleep(time.Minute)
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		}
		plan := d.plan("test:Slow", time.Second)
		in(2 * time.Second)
		for range 2 {
			if _, err := d.DeletePlan(t.Context(), plan.ID, false); err != nil {
				t.Fatal(err)
			}
		}
		in(2 * time.Minute)
		if log.Len() > 0 {
			t.Errorf("%s", log.String())
		}
	})
}

func TestHaltPlanWithAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		g := gated(d, nil)
		d.stage.attacks["test:X"] = harming(1, func(ctx context.Context, s engine.Start, k engine.Sink) engine.Exit {
			if time.Since(s.Due) < 0 || s.Due.Second()%2 == 1 {
				return succeed(ctx, s, k)
			}
			return hold(ctx, s, k)
		})
		plan := d.plan("test:X", time.Second, 2*time.Second)
		in(3 * time.Second)
		g.update = func() error { return errors.New("no space left on device") }
		n, err := d.HaltPlan(t.Context(), plan.ID, "stop")
		in(10 * time.Second)
		g.update = nil
		if ex := d.executors(plan.ID)[1]; ex.State == engine.Running {
			t.Errorf("halted %d, error %v; still running 10 s later", n, err)
		}
	})
}

func TestRunOfOneThatNeverRan(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		plan := d.plan(noop, 10*time.Second)
		in(10*time.Second - 50*time.Millisecond)
		ex, err := d.HaltExecutor(t.Context(), d.only(plan.ID).ID, "x")
		run, _, _ := d.RunOf(t.Context(), ex.ID)
		if run.Executor != "" {
			t.Errorf("%v %s; run %+v", err, ex.State, run)
		}
	})
}

func TestPlannerSecrets(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.planners["test:W"] = func(c engine.PlanCall) (engine.Planned, error) {
			// What it puts together of the attack's secret stays a placeholder.
			var a struct{ Token string }
			_ = json.Unmarshal(c.Attack.Args(), &a)
			args, _ := json.Marshal(map[string]string{"token": "Bearer " + a.Token})
			return engine.Planned{Executions: []engine.Execution{{At: time.Now().Add(time.Second), Args: args}}}, nil
		}
		_, err := d.CreatePlan(t.Context(), engine.PlanSpec{Name: "x", Attack: config(noop, map[string]any{"token": "s3cr3t-value"}), Planner: config("test:W", map[string]any{})})
		in(time.Minute)
		for _, s := range d.stage.starts {
			if strings.Contains(string(s.Config.Doc), "cmed-secret") {
				t.Errorf("error %v; the attack was given %s", err, s.Config.Doc)
			}
		}
	})
}

func TestHaltAfterTimeoutUnderKeep(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:X"] = harming(1, func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return engine.Exit{Finished: true, Stopped: true}
		})
		plan := d.planWith(engine.PlanSpec{Name: "t", Attack: config("test:X", nil), UndoPolicy: engine.UndoKeep, Timeout: 10 * time.Second}, time.Second)
		in(12 * time.Second)
		_, err := d.HaltExecutor(t.Context(), d.only(plan.ID).ID, "take it back")
		in(time.Hour)
		if ex := d.only(plan.ID); ex.Undo != engine.UndoUndone {
			t.Errorf("halt: %v; state %s undo %s", err, ex.State, ex.Undo)
		}
	})
}

func TestAcceptedDeletionSurvivesARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:Slow"] = harming(1, hold)
		d.stage.undo = func(engine.UndoCall) (engine.UndoAnswer, error) {
			time.Sleep(30 * time.Second)
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		}
		plan := d.plan("test:Slow", time.Second)
		in(2 * time.Second)
		deletion, err := d.DeletePlan(t.Context(), plan.ID, false)
		if err != nil || deletion.Done {
			t.Fatal(deletion, err)
		}
		d.kill()
		d.start()
		in(24 * time.Hour)
		if _, err := d.Plan(t.Context(), plan.ID); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("a day after the deletion was accepted: %v", err)
		}
	})
}
