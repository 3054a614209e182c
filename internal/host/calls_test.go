//go:build linux

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestPlan(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.PlannersDir, "planner", "")
	b := open(t, cfg)
	o := b.offer(engine.KindPlanner, "planner:Odd")
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	ask := func(mode string) (engine.Planned, error) {
		defer b.checkNothingLeft(t)
		return b.Plan(t.Context(), o, engine.PlanCall{Name: "mine", Config: configIn(mode), Now: now, Zone: "Europe/Madrid"})
	}
	p, err := ask("ok")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Executions) != 1 || !p.Executions[0].At.Equal(now.Add(time.Minute)) || p.Executions[0].Name != "mine" ||
		string(p.Executions[0].Args) != `{"n":1}` || !p.ZoneUsed || p.Warnings[0] != "Europe/Madrid" {
		t.Errorf("planned %+v", p)
	}
	var refusal *engine.Failure
	if _, err := ask("refuse"); !errors.As(err, &refusal) || refusal.Pointer != "/args/mode" {
		t.Errorf("refusal: %v", err)
	}
	for _, test := range []struct{ mode, want string }{
		{"many", "planner planner:Odd: it plans 10001 executions; at most 10000 are allowed"},
		{"hang", "planner planner:Odd: no answer within 2s"},
		{"die", "planner planner:Odd: its process ended without an answer: it exited with code 4; its last words: cannot plan"},
		{"huge", "planner planner:Odd: a message is larger than 16 MiB"},
		{"never", "planner planner:Odd: execution 1 has no valid instant"},
		{"badargs", "planner planner:Odd: the args of execution 1 are not JSON"},
	} {
		_, err := ask(test.mode)
		if err == nil || err.Error() != test.want || errors.As(err, &refusal) {
			t.Errorf("%s: %v", test.mode, err)
		}
	}
}

func TestUndo(t *testing.T) {
	b := openOdd(t)
	record := engine.UndoRecord{
		UndoID: engine.UndoID{Executor: engine.NewExecutorID(), Sequence: 1}, Ref: "odd:Odd",
		Digest: b.offer(engine.KindAttack, "odd:Odd").Digest, Record: []byte(`{"n":1}`),
	}
	if err := os.Remove(filepath.Join(b.cfg.AttacksDir, "odd")); err != nil { // the copy is enough
		t.Fatal(err)
	}
	ask := func(mode string, timeout time.Duration) (engine.UndoAnswer, string, error) {
		defer b.checkNothingLeft(t)
		var log []string
		a, err := b.Undo(t.Context(), engine.UndoCall{Record: record, Config: configIn(mode), Attempt: 2, Timeout: timeout},
			func(e engine.LogEntry) { log = append(log, e.Source+" "+e.Level+" "+e.Message) })
		return a, strings.Join(log, "\n"), err
	}
	a, log, err := ask("ok", time.Minute)
	if err != nil || a.Outcome != engine.OutcomeUndone || a.Message != "attempt 2" || log != `undo warn undoing {"n":1}` {
		t.Errorf("%+v, %q, %v", a, log, err)
	}
	if a, _, err := ask("strange", 0); err != nil || a.Outcome != engine.OutcomeFailed {
		t.Errorf("an unknown outcome: %+v, %v", a, err)
	}
	for _, test := range []struct{ mode, want string }{
		{"hang", "no answer within 1s"},
		{"die", "its process ended without an answer: it exited with code 5"},
		{"silent", "it ended without an answer"},
	} {
		_, _, err := ask(test.mode, time.Second)
		if want := "undo " + record.String() + ": " + test.want; err == nil || err.Error() != want {
			t.Errorf("%s: %v", test.mode, err)
		}
	}
	record.Digest = strings.Repeat("0", 64)
	if _, _, err := ask("ok", 0); err == nil || !strings.Contains(err.Error(), "the plugin that wrote the record (sha256 000") {
		t.Errorf("without a copy: %v", err)
	}
}

func TestGateServesByUrgency(t *testing.T) {
	g := newGate(1)
	leave, err := g.enter(t.Context(), classDescribe)
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan class)
	waiting := func(c class) int {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting[c])
	}
	for _, c := range []class{classDescribe, classPlan, classLaunch, classUndo} {
		go func() {
			leave, err := g.enter(context.Background(), c)
			if err != nil {
				t.Error(err)
				return
			}
			order <- c
			leave()
			leave() // more than once is once
		}()
		eventually(t, func() error {
			if waiting(c) == 0 {
				return errors.New("not waiting")
			}
			return nil
		})
	}
	given, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.enter(given, classUndo); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait: %v", err)
	}
	leave()
	for _, want := range []class{classUndo, classLaunch, classPlan, classDescribe} {
		if got := <-order; got != want {
			t.Errorf("%d came before %d", got, want)
		}
	}
}

func TestGateTakesAPlaceBack(t *testing.T) {
	g := newGate(1)
	if _, err := g.enter(t.Context(), classLaunch); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*spawnPatience)
	defer cancel()
	if _, err := g.enter(ctx, classLaunch); err != nil {
		t.Errorf("a spawn that hangs keeps its place: %v", err)
	}
}

func TestParseGrant(t *testing.T) {
	for _, test := range []struct{ in, err string }{
		{"terminate_ec2_instance:*=AWS_*,HOME", ""},
		{"a:A=*", ""},
		{"a:A", `"a:A" is not of the form ref=VAR,VAR_*`},
		{"=X", `"=X" is not of the form ref=VAR,VAR_*`},
		{"[=X", `"[" is not a pattern for refs: syntax error in pattern`},
		{"a:A=1X", `"1X" is not the name of an environment variable`},
		{"a:A=X,,Y", `"" is not the name of an environment variable`},
		{"a:A=LD_PRELOAD,LANGUAGE,TZDIR", ""},
		{"a:A=X,PATH", `PATH can't be granted: cmed sets it itself`},
		{"a:A=TMPDIR", `TMPDIR can't be granted: cmed sets it itself`},
		{"a:A=CMED_*", `CMED_* can't be granted: cmed sets it itself`},
		{"a:A=PLUGIN_MIN_PORT", `PLUGIN_MIN_PORT can't be granted: cmed sets it itself`},
	} {
		_, err := ParseGrant(test.in)
		if (err == nil) != (test.err == "") || (err != nil && err.Error() != test.err) {
			t.Errorf("%s: %v", test.in, err)
		}
	}
}

func TestGrantsAndWishesOverlap(t *testing.T) {
	environ := []string{"AWS_REGION=r", "AWS_KEY=k", "HOME=h", "CMED_RUN=x", "AWSOME=a", "PATH=p", "TMPDIR=t", "LANG=l", "TZ=z", "PLUGIN_X=x"}
	for _, test := range []struct {
		asked, granted, passed, refused string
	}{
		{"AWS_*", "AWS_*", "AWS_REGION=r AWS_KEY=k", ""},
		{"AWS_*", "AWS_REGION", "AWS_REGION=r", ""},
		{"AWS_REGION,HOME", "AWS_*", "AWS_REGION=r", "HOME"},
		{"CMED_*", "*", "", ""},
		{"*", "*", "AWS_REGION=r AWS_KEY=k HOME=h AWSOME=a", ""},
		{"HOME", "", "", "HOME"},
		{"", "*", "", ""},
	} {
		asked, vars := list(test.asked), list(test.granted)
		if got := strings.Join(pass(environ, asked, vars), " "); got != test.passed {
			t.Errorf("%+v: passed %s", test, got)
		}
		if got := strings.Join(refused(asked, vars), ","); got != test.refused {
			t.Errorf("%+v: refused %s", test, got)
		}
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func TestALongStateFolderMovesTheSockets(t *testing.T) {
	cfg := newConfig(t)
	cfg.StateDir = filepath.Join(cfg.StateDir, strings.Repeat("long", 20))
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	if exit, _ := b.perform(t.Context(), "ok"); !exit.Finished {
		t.Errorf("%+v", exit)
	}
	if filepath.Dir(b.runRoot) != filepath.Clean(os.TempDir()) {
		t.Errorf("processes run in %s", b.runRoot)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(b.runRoot); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", b.runRoot, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no folder":   func(c *Config) { c.AttacksDir = "" },
		"no store id": func(c *Config) { c.StoreID = "" },
		"a slash":     func(c *Config) { c.StoreID = "a/b" },
		"no cache":    func(c *Config) { c.Cache = nil },
	} {
		cfg := newConfig(t)
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
