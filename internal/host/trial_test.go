//go:build linux

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestWhatATrialSees(t *testing.T) {
	b, saw := openTrial(t, false)
	for _, test := range []struct {
		mode string
		kind SightingKind
		want []string
	}{
		{"ok", SawStdout, nil},
		{"flood", SawStdout, []string{(strings.Repeat("x", 99) + "\n" + strings.Repeat("x", 99) + "\n")}},
		{"print", SawStdout, []string{"printed\n"}},
		{"ok", SawProcess, nil},
		{"child", SawProcess, []string{"sleep 600"}},
		{"session", SawProcess, []string{"sleep 600"}},
		{"undo", SawUndoRecord, nil},
	} {
		saw.forget()
		sink := &record{}
		id := engine.NewExecutorID()
		p, err := b.Launch(t.Context(), b.offer(engine.KindAttack, "odd:Odd"), id)
		if err != nil {
			t.Fatal(err)
		}
		p.Run(t.Context(), startIn(test.mode), sink)
		if got := saw.of(test.kind); !slices.Equal(got, test.want) {
			t.Errorf("%s: seen %q", test.mode, got)
		}
		if len(saw.all) != len(test.want) || len(saw.all) > 0 && saw.all[0].Call != string(id) {
			t.Errorf("%s: seen %+v", test.mode, saw.all)
		}
	}
}

func TestARecordInADryRunIsSeen(t *testing.T) {
	b, saw := openTrial(t, false)
	start := startIn("undo")
	start.DryRun = true
	b.launch("odd:Odd").Run(t.Context(), start, &record{})
	if got := saw.of(SawUndoRecord); len(got) != 2 {
		t.Errorf("seen %+v", saw.all)
	}
}

// TestWhatTheHostKillsIsNoSurvivor checks that only what a plugin leaves behind is
// held against it.
func TestWhatTheHostKillsIsNoSurvivor(t *testing.T) {
	b, saw := openTrial(t, false)
	ctx, stop := context.WithCancelCause(t.Context())
	sink := &record{onStart: func() { stop(&engine.StopReason{State: engine.Halted, Reason: "enough"}) }}
	if exit := b.launch("odd:Odd").Run(ctx, startIn("stubborn"), sink); exit.Status.Signal != "killed" {
		t.Errorf("%+v", exit)
	}
	if len(saw.all) > 0 {
		t.Errorf("seen %+v", saw.all)
	}
}

func TestHangingUp(t *testing.T) {
	b, _ := openTrial(t, false)
	p, ok := b.launch("odd:Odd").(Trialled)
	if !ok {
		t.Fatal("the process can't be hung up")
	}
	sink := &record{onLog: func(engine.LogEntry) { p.HangUp() }}
	exit := p.Run(t.Context(), startIn("lifeline"), sink)
	if !exit.Finished || exit.Stopped || exit.Failure == nil || exit.Failure.Message != "hung up" {
		t.Errorf("%+v", exit)
	}
}

func TestExamine(t *testing.T) {
	for _, test := range []struct {
		name              string
		argument, rpc     string // what is wrong
		exit, rpcExit     string
		described, served bool
	}{
		{name: "odd", exit: "it exited with code 0", rpcExit: "it exited with code 0", described: true, served: true},
		{
			name: "garbage", argument: "prints something that is not a description: \"hello, world\\n\"; it exited with code 0",
			exit: "it exited with code 0", rpcExit: "it exited with code 0", served: true,
		},
		{name: "crash", argument: "ends without describing itself: it exited with code 2", exit: "it exited with code 2", rpcExit: "it exited with code 0", served: true},
		{name: "newer", argument: "speaks protocol version 7; this daemon speaks 1", exit: "it exited with code 0", rpcExit: "it exited with code 0", served: true},
		{
			name: "chatty", rpc: "prints something that is not a handshake: \"good morning\"", described: true,
			exit: "it exited with code 0", rpcExit: "it was ended by a signal (killed)",
		},
		{name: "badschema", exit: "it exited with code 0", rpcExit: "it exited with code 0", described: true, served: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg, saw := newConfig(t), &sightings{}
			cfg.AttacksDir = cfg.PlannersDir
			cfg.Only, cfg.Trial = test.name, &Trial{Saw: saw.add}
			install(t, cfg.AttacksDir, test.name, "")
			b := open(t, cfg)
			e, err := b.Examine(t.Context(), engine.KindAttack, test.name)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range []Answer{e.Argument, e.Again} {
				if (a.Description != nil) != test.described || message(a.Err) != test.argument || a.Exit != test.exit || a.Took <= 0 || a.Stdout == nil {
					t.Errorf("asked: %+v, %v", a, a.Err)
				}
			}
			if a := e.RPC; (a.Description != nil) != test.served || message(a.Err) != test.rpc || a.Exit != test.rpcExit || a.Took <= 0 || a.Stdout != nil {
				t.Errorf("called: %+v, %v", a, a.Err)
			}
			if f, _ := b.plugin(engine.KindAttack, test.name); f.SHA256 != "" && f.SHA256 != e.Digest {
				t.Errorf("digest %s, listed as %s", e.Digest, f.SHA256)
			}
			b.checkNothingLeft(t)
		})
	}
}

func message(e *engine.PluginError) string {
	if e == nil {
		return ""
	}
	return e.Message
}

func TestExamineRefusesWhatADaemonWould(t *testing.T) {
	b, _ := openTrial(t, false)
	write(t, filepath.Join(b.cfg.AttacksDir, "text"), "text", 0o600)
	for name, want := range map[string]string{
		"text": "it is not executable", "missing": "file does not exist", ".hidden": "file does not exist",
	} {
		_, err := b.Examine(t.Context(), engine.KindAttack, name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOnlyOneFileIsLookedAt has both kinds in one folder.
func TestOnlyOneFileIsLookedAt(t *testing.T) {
	cfg := newConfig(t)
	cfg.PlannersDir, cfg.Only, cfg.RescanEvery = cfg.AttacksDir, "planner", time.Hour
	install(t, cfg.AttacksDir, "planner", "")
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	for _, f := range b.Plugins() {
		if f.Path != "planner" || f.State != engine.PluginReady {
			t.Errorf("%+v, %+v", f, f.Error)
		}
	}
	b.offer(engine.KindPlanner, "planner:Odd")
	if n := b.executions("odd", "describe"); n != 0 {
		t.Errorf("another file was executed %d times", n)
	}
	digest := b.offer(engine.KindPlanner, "planner:Odd").Digest
	install(t, cfg.AttacksDir, "planner", "new")
	eventually(t, func() error {
		if o, err := b.Offer(engine.KindPlanner, "planner:Odd"); err != nil || o.Digest == digest {
			return os.ErrNotExist
		}
		return nil
	})
	for _, name := range []string{"a/b", ".hidden"} {
		cfg.Only = name
		if _, err := New(cfg); err == nil {
			t.Errorf("%s can be the only file", name)
		}
	}
}

// TestAnExaminationThatIsStoppedIsNone checks that there is an answer or an error,
// never both.
func TestAnExaminationThatIsStoppedIsNone(t *testing.T) {
	b, _ := openTrial(t, false)
	install(t, b.cfg.AttacksDir, "hang", "")
	stopped := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	defer time.AfterFunc(500*time.Millisecond, func() { stop(stopped) }).Stop()
	if e, err := b.Examine(ctx, engine.KindAttack, "hang"); e != nil || !errors.Is(err, stopped) {
		t.Errorf("%+v, %v", e, err)
	}
}
