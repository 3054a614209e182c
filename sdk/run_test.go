package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func TestRunReports(t *testing.T) {
	h := newHost(t, attack(func(_ context.Context, args textArgs, run *Run) error {
		run.Log().With("a", 1).WithGroup("g").Info("hello", "text", args.Text, "err", errors.New("oops"))
		run.Progress(50, "half of %d", 2)
		run.Targets(Target{ID: "i-1", Name: "one", State: "hit", Detail: map[string]int{"n": 1}}, Target{ID: "i-2"})
		return run.Result(map[string]any{
			"id": run.ID(), "plan": run.PlanName(), "name": run.Name(), "seed": run.Seed(), "rand": run.Rand().IntN(1000),
			"zone": run.Location().String(), "timeout": run.Timeout().String(),
		})
	}))
	c := openRun(t, h.client)
	before := time.Now()
	c.start("t:A", textArgs{"x"})
	all, failure := c.rest()
	if failure != nil || len(all) != 6 {
		t.Fatalf("failure %v, messages %v", failure, all)
	}
	if at := all[0].GetStarted().GetAt().AsTime(); at.Before(before) || at.After(time.Now()) {
		t.Errorf("started at %s", at)
	}
	entry := all[1].GetLog()
	if entry.GetMessage() != "hello" || entry.GetLevel() != pluginv1.LogLevel_LOG_LEVEL_INFO {
		t.Errorf("log entry %v", entry)
	}
	if fields, want := string(entry.GetFields()), `{"a":1,"g":{"text":"x","err":"oops"}}`; fields != want {
		t.Errorf("fields %s, want %s", fields, want)
	}
	if p := all[2].GetProgress(); p.GetPercent() != 50 || p.GetMessage() != "half of 2" {
		t.Errorf("progress %v", p)
	}
	if targets := all[3].GetTargets().GetTargets(); len(targets) != 2 || string(targets[0].GetDetail()) != `{"n":1}` || targets[1].GetDetail() != nil {
		t.Errorf("targets %v", targets)
	}
	want := fmt.Sprintf(`{"id":"run-1","name":"first","plan":"the plan","rand":%d,"seed":7,"timeout":"1m0s","zone":"Europe/Madrid"}`, newRand(7).IntN(1000))
	if got := string(all[4].GetResult().GetDocument()); got != want {
		t.Errorf("result %s, want %s", got, want)
	}
}

func TestRunFailures(t *testing.T) {
	for _, c := range []struct {
		rule             string
		run              func(ctx context.Context, args textArgs, run *Run) error
		ref              string
		args             any
		message, pointer string
		stack            bool
	}{
		{
			rule: "an error", run: func(context.Context, textArgs, *Run) error { return errors.New("no luck") },
			message: "no luck",
		},
		{
			rule: "an error about the args",
			run: func(context.Context, textArgs, *Run) error {
				return fmt.Errorf("outer: %w", Invalid("/text", "%d is wrong", 5))
			},
			message: "outer: 5 is wrong", pointer: "/args/text",
		},
		{
			rule: "a panic", run: func(context.Context, textArgs, *Run) error { panic("ouch") },
			message: "panic: ouch", stack: true,
		},
		{
			rule: "a panic with a broken text", run: func(context.Context, textArgs, *Run) error { panic("a\xffb") },
			message: "panic: a\uFFFDb", stack: true,
		},
		{
			rule:    "an end of the goroutine",
			run:     func(context.Context, textArgs, *Run) error { runtime.Goexit(); return nil },
			message: "the plugin's code called runtime.Goexit",
		},
		{rule: "an unknown ref", ref: "t:B", message: "this plugin has no attack t:B"},
		{
			rule: "args that don't fit", args: map[string]any{"text": 5},
			message: "read the args: json: cannot unmarshal number into Go struct field textArgs.text of type string", pointer: "/args/text",
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			called := false
			h := newHost(t, attack(func(ctx context.Context, args textArgs, run *Run) error {
				called = true
				if c.run == nil {
					return nil
				}
				return c.run(ctx, args, run)
			}))
			if c.ref == "" {
				c.ref = "t:A"
			}
			r := openRun(t, h.client)
			r.start(c.ref, c.args)
			all, failure := r.rest()
			if failure.GetMessage() != c.message || failure.GetPointer() != c.pointer || (failure.GetStack() != "") != c.stack {
				t.Errorf("failure %v", failure)
			}
			if started := all[0].GetStarted() != nil; started != called {
				t.Errorf("started %t, but called %t", started, called)
			}
			if called != (c.run != nil) {
				t.Errorf("called: %t", called)
			}
		})
	}
}

func TestRunWithoutArgs(t *testing.T) {
	h := newHost(t, attack(func(_ context.Context, args textArgs, _ *Run) error {
		if args.Text != "" {
			return errors.New("there are args")
		}
		return nil
	}))
	for _, config := range []string{`{"ref":"t:A"}`, `{"ref":"t:A","args":null}`} {
		r := openRun(t, h.client)
		r.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{Ref: "t:A", Config: []byte(config)}}})
		if _, failure := r.rest(); failure != nil {
			t.Errorf("%s: %v", config, failure)
		}
	}
}

func TestStop(t *testing.T) {
	for wire, want := range map[pluginv1.StopCause]StopCause{
		pluginv1.StopCause_STOP_CAUSE_HALTED:    Halted,
		pluginv1.StopCause_STOP_CAUSE_TIMED_OUT: TimedOut,
		pluginv1.StopCause_STOP_CAUSE_SHUTDOWN:  Shutdown,
		pluginv1.StopCause(99):                  Halted,
	} {
		t.Run(wire.String(), func(t *testing.T) {
			h := newHost(t, attack(func(ctx context.Context, _ textArgs, run *Run) error {
				record, err := run.Record(ctx, "r")
				if err != nil {
					return err
				}
				<-ctx.Done()
				var stop *StopError
				if !errors.As(context.Cause(ctx), &stop) || stop.Cause != want || stop.Reason != "enough" {
					return fmt.Errorf("cause %w", context.Cause(ctx))
				}
				never := func(context.Context) error { t.Error("harm after the stop"); return nil }
				if err := run.Do(context.Background(), "r", never); !errors.Is(err, stop) {
					return fmt.Errorf("Do says %w", err)
				}
				run.Log().Warn("undoing")
				if err := record.Undone(NothingToDo, "gone"); err != nil {
					return err
				}
				if err := run.Result("done"); err != nil {
					return err
				}
				return ctx.Err()
			}))
			r := openRun(t, h.client)
			r.start("t:A", nil)
			for r.next().GetUndo() == nil {
			}
			r.stop(wire, "enough")
			all, failure := r.rest()
			if len(all) != 4 || all[0].GetLog().GetMessage() != "undoing" || all[2].GetResult() == nil {
				t.Fatalf("messages %v", all)
			}
			undone := all[1].GetUndone()
			if undone.GetSequence() != 1 || undone.GetAnswer().GetOutcome() != pluginv1.Outcome_OUTCOME_NOTHING_TO_DO || undone.GetAnswer().GetMessage() != "gone" {
				t.Errorf("undone %v", undone)
			}
			if message := "stopped: " + string(want) + ": enough"; failure.GetMessage() != message {
				t.Errorf("failure %q, want %q", failure.GetMessage(), message)
			}
		})
	}
}

func TestStopWithTheStart(t *testing.T) {
	h := newHost(t, attack(func(context.Context, textArgs, *Run) error { t.Error("it ran"); return nil }))
	r := openRun(t, h.client)
	r.stop(pluginv1.StopCause_STOP_CAUSE_HALTED, "no")
	r.start("t:A", nil)
	all, failure := r.rest()
	if len(all) != 1 || failure.GetMessage() != "stopped: halted: no" {
		t.Errorf("messages %v", all)
	}
}

func TestNothingHappensWithoutStart(t *testing.T) {
	for rule, end := range map[string]func(h *host, r *call){
		"the host closes the stream":  func(_ *host, r *call) { _ = r.stream.CloseSend() },
		"the host cancels the stream": func(_ *host, r *call) { r.cancel() },
		"the host is gone":            func(h *host, _ *call) { _ = h.conn.Close() },
		"the lifeline closes":         func(h *host, _ *call) { h.life.end(&StopError{Cause: HostGone}) },
		"SIGTERM":                     func(h *host, _ *call) { h.life.end(&StopError{Cause: Terminated}) },
	} {
		t.Run(rule, func(t *testing.T) {
			h := newHost(t, attack(func(context.Context, textArgs, *Run) error { t.Error("it ran"); return nil }))
			r := openRun(t, h.client)
			// A Stop without a Start changes nothing, and shows that the stream is up.
			r.stop(pluginv1.StopCause_STOP_CAUSE_HALTED, "")
			if _, err := h.client.Describe(t.Context(), &pluginv1.DescribeRequest{}); err != nil {
				t.Fatal(err)
			}
			end(h, r)
			h.leaves(t)
			if m, err := r.stream.Recv(); err == nil {
				t.Errorf("a message: %v", m)
			}
		})
	}
}

func TestNoRunBeginsOnceTheLifeEnds(t *testing.T) {
	h := newHost(t, attack(func(context.Context, textArgs, *Run) error { t.Error("it ran"); return nil }))
	h.life.end(&StopError{Cause: Terminated})
	r := openRun(t, h.client)
	_ = r.stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{Ref: "t:A"}}})
	if m, err := r.stream.Recv(); err == nil {
		t.Errorf("a message: %v", m)
	}
}

func TestDo(t *testing.T) {
	h := newHost(t, attack(func(ctx context.Context, _ textArgs, run *Run) error {
		at := time.Unix(1_800_000_000, 0)
		err := run.Do(ctx, map[string]int{"n": 1}, func(context.Context) error { run.Progress(1, "harm"); return nil }, UndoAt(at), Describe("puts it back"))
		if err != nil {
			return err
		}
		return run.Do(ctx, []int{2}, func(context.Context) error { return errors.New("half done") })
	}))
	r := openRun(t, h.client)
	r.start("t:A", nil)
	all, failure := r.rest()
	if failure.GetMessage() != "half done" || len(all) != 5 {
		t.Fatalf("messages %v", all)
	}
	first := all[1].GetUndo()
	if first.GetSequence() != 1 || string(first.GetRecord()) != `{"n":1}` || first.GetDescription() != "puts it back" || first.GetUndoAt().GetSeconds() != 1_800_000_000 {
		t.Errorf("first record %v", first)
	}
	if all[2].GetProgress() == nil {
		t.Errorf("no harm between the records: %v", all[2])
	}
	if second := all[3].GetUndo(); second.GetSequence() != 2 || second.GetUndoAt() != nil {
		t.Errorf("second record %v", second)
	}
}

// A record that is not durable means no harm, whatever the reason.
func TestDoWithoutDurableRecord(t *testing.T) {
	harm := func(context.Context) error { return errors.New("harm was done") }
	for _, c := range []struct {
		rule   string
		record any
		ctx    func(context.Context) context.Context
		setup  func(r *call)
		want   string
	}{
		{
			rule: "the host refuses", record: 1, setup: func(r *call) { r.refuse = "disk full" },
			want: "the undo record is not durable: disk full",
		},
		{
			rule: "a record that is no JSON", record: func() {},
			want: "the undo record is not durable: write it as JSON: json: unsupported type: func()",
		},
		{
			rule: "a record that is too large", record: strings.Repeat("x", pluginv1.MaxMessage),
			want: "the undo record is not durable: a message of ",
		},
		{
			rule: "a context that has ended", record: 1, want: "cut short",
			ctx: func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancelCause(ctx)
				cancel(errors.New("cut short"))
				return ctx
			},
		},
		{
			rule: "a stop while the record is stored", record: 1, want: "stopped: halted: now",
			setup: func(r *call) {
				r.onUndo = func() { r.stop(pluginv1.StopCause_STOP_CAUSE_HALTED, "now") }
			},
		},
		{
			rule: "a host that answers no more", record: 1, want: "the undo record is not durable: the host is gone before it answered",
			setup: func(r *call) { r.onUndo = func() { _ = r.stream.CloseSend() } },
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			result := make(chan error, 1)
			h := newHost(t, attack(func(ctx context.Context, _ textArgs, run *Run) error {
				doCtx := ctx
				if c.ctx != nil {
					doCtx = c.ctx(ctx)
				}
				err := run.Do(doCtx, c.record, harm)
				result <- err
				return err
			}))
			r := openRun(t, h.client)
			if c.setup != nil {
				c.setup(r)
			}
			r.start("t:A", nil)
			for {
				m, err := r.stream.Recv()
				if err != nil {
					break
				}
				if undo := m.GetUndo(); undo != nil {
					if r.onUndo != nil {
						r.onUndo()
					}
					_ = r.stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_UndoAck{
						UndoAck: &pluginv1.UndoAck{Sequence: undo.GetSequence(), Error: r.refuse},
					}})
				}
			}
			err := <-result
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("Do says %v, want %s", err, c.want)
			}
			if strings.HasPrefix(c.want, ErrNotRecorded.Error()) != errors.Is(err, ErrNotRecorded) {
				t.Errorf("ErrNotRecorded is %t in %v", errors.Is(err, ErrNotRecorded), err)
			}
		})
	}
}

func TestHostGoneDuringRun(t *testing.T) {
	for rule, end := range map[string]func(h *host){
		"the connection breaks": func(h *host) { _ = h.conn.Close() },
		"the lifeline closes":   func(h *host) { h.life.end(&StopError{Cause: HostGone}) },
	} {
		t.Run(rule, func(t *testing.T) {
			causes := make(chan error, 1)
			h := newHost(t, attack(func(ctx context.Context, _ textArgs, run *Run) error {
				run.Progress(0, "running")
				<-ctx.Done()
				for range 10_000 { // what nobody reads must not block
					run.Log().Info(strings.Repeat("x", 1000))
				}
				causes <- context.Cause(ctx)
				return nil
			}))
			r := openRun(t, h.client)
			r.start("t:A", nil)
			for r.next().GetProgress() == nil {
			}
			end(h)
			go func() { // a living host goes on reading
				for {
					if _, err := r.stream.Recv(); err != nil {
						return
					}
				}
			}()
			select {
			case cause := <-causes:
				var stop *StopError
				if !errors.As(cause, &stop) || stop.Cause != HostGone {
					t.Errorf("cause %v", cause)
				}
			case <-time.After(patience):
				t.Fatal("the run does not end")
			}
			h.leaves(t)
		})
	}
}

func TestRunIsSafeForConcurrentUse(t *testing.T) {
	const workers, each = 8, 50
	h := newHost(t, attack(func(ctx context.Context, _ textArgs, run *Run) error {
		var wg sync.WaitGroup
		var failed atomic.Int32
		log := run.Log().With("shared", true)
		for worker := range workers {
			wg.Go(func() {
				for i := range each {
					log.Info("line", "worker", worker, "i", i)
					if run.Do(ctx, i, func(context.Context) error { return nil }) != nil {
						failed.Add(1)
					}
				}
			})
		}
		wg.Wait()
		return run.Result(failed.Load())
	}))
	r := openRun(t, h.client)
	r.start("t:A", nil)
	var lines, records int
	all, failure := r.rest()
	for _, m := range all {
		if entry := m.GetLog(); entry != nil {
			lines++
			if !json.Valid(entry.GetFields()) {
				t.Errorf("fields %s", entry.GetFields())
			}
		}
		if undo := m.GetUndo(); undo != nil {
			records++
			if undo.GetSequence() != uint64(records) {
				t.Errorf("record %d has sequence %d", records, undo.GetSequence())
			}
		}
	}
	if failure != nil || lines != workers*each || records != workers*each || string(all[len(all)-2].GetResult().GetDocument()) != "0" {
		t.Errorf("failure %v, %d lines, %d records", failure, lines, records)
	}
}

func TestRunIsOverWhenTheAttackReturns(t *testing.T) {
	kept := make(chan *Run, 1)
	h := newHost(t, attack(func(_ context.Context, _ textArgs, run *Run) error { kept <- run; return nil }))
	r := openRun(t, h.client)
	r.start("t:A", nil)
	if all, _ := r.rest(); len(all) != 2 {
		t.Fatalf("messages %v", all)
	}
	run := <-kept
	run.Log().Info("too late")
	run.Progress(1, "too late")
	if err := run.Result(1); err == nil {
		t.Error("a result after the end")
	}
	if _, err := run.Record(context.Background(), 1); err == nil {
		t.Error("a record after the end")
	}
}

func TestLogEntries(t *testing.T) {
	var got []*pluginv1.LogEntry
	log := newLogger(func(e *pluginv1.LogEntry) { got = append(got, e) })
	log.Debug("debug")
	log.Warn("warn", "msg", "mine", "level", 5, "time", "noon")
	log.Error("bad \xff", slog.Group("empty"))
	log.Log(context.Background(), slog.LevelDebug-1, "too fine")
	log.Info("long", "text", strings.Repeat("x", longestText))
	want := []struct {
		level           pluginv1.LogLevel
		message, fields string
	}{
		{pluginv1.LogLevel_LOG_LEVEL_DEBUG, "debug", ""},
		{pluginv1.LogLevel_LOG_LEVEL_WARN, "warn", `{"msg":"mine","level":5,"time":"noon"}`},
		{pluginv1.LogLevel_LOG_LEVEL_ERROR, "bad \uFFFD", ""},
		{pluginv1.LogLevel_LOG_LEVEL_INFO, "long", `{"dropped":"the fields of this entry are too long"}`},
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries: %v", len(got), got)
	}
	for i, w := range want {
		e := got[i]
		if e.GetLevel() != w.level || e.GetMessage() != w.message || string(e.GetFields()) != w.fields || !e.GetAt().IsValid() {
			t.Errorf("entry %d: %v %q %s, want %v", i, e.GetLevel(), e.GetMessage(), e.GetFields(), w)
		}
	}
}

func TestAttackOf(t *testing.T) {
	if a := AttackOf(Info{Ref: "t:A"}, onlyRuns{}); a.Undo != nil || a.Targets != nil || a.Run == nil {
		t.Error("an attacker that only runs is given more")
	}
	a := AttackOf(Info{Ref: "t:A"}, alsoUndoes{})
	if a.Undo == nil {
		t.Fatal("an undoer is not seen")
	}
	if outcome, err := a.Undo(context.Background(), textArgs{}, nil); outcome != NotMine || err != nil {
		t.Errorf("Undo = %s, %v", outcome, err)
	}
	if a.Targets != nil {
		t.Error("an undoer is taken for a targeter")
	}
	a = AttackOf(Info{Ref: "t:A"}, alsoTargets{})
	if a.Targets == nil || a.Undo != nil {
		t.Fatal("a targeter is not seen")
	}
	if targets, err := a.Targets(context.Background(), textArgs{}, nil); len(targets) != 1 || err != nil {
		t.Errorf("Targets = %v, %v", targets, err)
	}
	if a.Check != nil {
		t.Error("a targeter is taken for a checker")
	}
	if a = AttackOf(Info{Ref: "t:A"}, alsoChecks{}); a.Check == nil || a.Targets != nil {
		t.Fatal("a checker is not seen")
	}
	if err := a.Check(context.Background(), textArgs{}, &CheckCall{}); err == nil {
		t.Error("Check is not the checker's")
	}
	if info := a.offer().Info; !reflect.DeepEqual(info, Info{Ref: "t:A"}) {
		t.Errorf("info %v", info)
	}
}

type onlyRuns struct{}

func (onlyRuns) Run(context.Context, textArgs, *Run) error { return nil }

type alsoTargets struct{ onlyRuns }

func (alsoTargets) Targets(context.Context, textArgs, *TargetsCall) ([]Target, error) {
	return []Target{{ID: "i-1"}}, nil
}

type alsoChecks struct{ onlyRuns }

func (alsoChecks) Check(context.Context, textArgs, *CheckCall) error { return errors.New("checked") }

type alsoUndoes struct{ onlyRuns }

func (alsoUndoes) Undo(context.Context, textArgs, *UndoCall) (Outcome, error) { return NotMine, nil }
