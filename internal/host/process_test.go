//go:build linux

package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func openOdd(t testing.TB) *bench {
	t.Helper()
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "odd", "")
	return open(t, cfg)
}

func TestRunEndsAsThePluginSays(t *testing.T) {
	b := openOdd(t)
	exit, sink := b.perform(t.Context(), "ok")
	if !exit.Finished || exit.Failure != nil || exit.Err != nil || exit.Stopped || exit.NotStarted {
		t.Errorf("a good run: %+v", exit)
	}
	if exit.Status.Code != 0 || exit.Status.Signal != "" {
		t.Errorf("it did not exit by itself: %+v", exit.Status)
	}
	if exit.Status.CPU <= 0 || exit.Status.PeakMemory < 1<<20 {
		t.Errorf("use of resources: %+v", exit.Status)
	}
	if time.Since(sink.started) > time.Minute {
		t.Errorf("started at %s", sink.started)
	}
	exit, _ = b.perform(t.Context(), "fail")
	if !exit.Finished || exit.Failure == nil || exit.Failure.Message != "as asked" {
		t.Errorf("a failed run: %+v", exit)
	}
}

func TestRunThatBreaks(t *testing.T) {
	b := openOdd(t)
	for _, test := range []struct{ mode, err string }{
		{"panic", "its process ended without an answer: it exited with code 2; its last words: "},
		{"die", "its process ended without an answer: it exited with code 3"},
		{"eof", "it ended the run without an answer"},
		{"error", "Run: an error of the stream"},
		{"huge", "a message is larger than 16 MiB"},
		{"orphan", "its process ended without an answer: it exited with code 6"},
	} {
		t.Run(test.mode, func(t *testing.T) {
			exit, _ := b.perform(t.Context(), test.mode)
			if exit.Finished || exit.Stopped || exit.Err == nil || !strings.HasPrefix(exit.Err.Error(), test.err) {
				t.Errorf("finished %v, stopped %v, error %v; want %s", exit.Finished, exit.Stopped, exit.Err, test.err)
			}
			if test.mode == "panic" && !strings.Contains(exit.Status.Stderr, "panic: as asked") {
				t.Errorf("stderr: %s", exit.Status.Stderr)
			}
			b.checkNothingLeft(t)
		})
	}
}

func TestRunLeavesNoDescendants(t *testing.T) {
	b := openOdd(t)
	for _, mode := range []string{"child", "session"} {
		t.Run(mode, func(t *testing.T) {
			begun := time.Now()
			exit, _ := b.perform(t.Context(), mode)
			if !exit.Finished || exit.Failure != nil {
				t.Errorf("%+v", exit)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			b.checkNothingLeft(t)
		})
	}
}

func TestStopLadder(t *testing.T) {
	b := openOdd(t)
	ladder := b.cfg.Grace + b.cfg.TermGrace
	const silent = "it was told to stop and did not answer within 500ms"
	for _, test := range []struct {
		mode     string
		finished bool
		signal   string
		most     time.Duration
		err      string
	}{
		{"obey", true, "", b.cfg.Grace, ""},
		{"stubborn", false, "killed", ladder + time.Second, silent},
		{"freeze", false, "killed", ladder + time.Second, silent},
		{"frozen-group", false, "killed", ladder + time.Second, silent},
		{"unread", false, "terminated", ladder + time.Second, "its process ended without an answer: it was ended by a signal (terminated)"},
	} {
		t.Run(test.mode, func(t *testing.T) {
			ctx, stop := context.WithCancelCause(t.Context())
			var begun time.Time
			halt := sync.OnceFunc(func() {
				begun = time.Now()
				stop(&engine.StopReason{State: engine.Halted, Reason: "enough"})
			})
			sink := &record{onStart: halt}
			time.AfterFunc(2*time.Second, halt) // a process may freeze before its Started is out
			exit := b.launch("odd:Odd").Run(ctx, startIn(test.mode), sink)
			if took := time.Since(begun); took > test.most {
				t.Errorf("took %s after the stop, at most %s is right", took, test.most)
			}
			if exit.Finished != test.finished || !exit.Stopped || exit.Status.Signal != test.signal {
				t.Errorf("%+v", exit)
			}
			if test.finished && (exit.Failure.Message != "STOP_CAUSE_HALTED" || sink.text("attack") != "stopped: enough") {
				t.Errorf("it was told %s: %s", exit.Failure.Message, sink.text("attack"))
			}
			if !test.finished && exit.Err.Error() != test.err {
				t.Errorf("error: %v", exit.Err)
			}
		})
	}
}

func TestStopCauses(t *testing.T) {
	for _, test := range []struct {
		cause error
		want  string
	}{
		{&engine.StopReason{State: engine.Halted, Reason: "x"}, "STOP_CAUSE_HALTED"},
		{&engine.StopReason{State: engine.TimedOut, Reason: "x"}, "STOP_CAUSE_TIMED_OUT"},
		{&engine.StopReason{State: engine.Halted, Shutdown: true, Reason: "x"}, "STOP_CAUSE_SHUTDOWN"},
		{context.DeadlineExceeded, "STOP_CAUSE_TIMED_OUT"},
		{context.Canceled, "STOP_CAUSE_HALTED"},
	} {
		if got := stopMessage(test.cause).GetStop().GetCause().String(); got != test.want {
			t.Errorf("%v: %s, want %s", test.cause, got, test.want)
		}
	}
}

func TestRunStoppedBeforeItsStartNeverStarts(t *testing.T) {
	b := openOdd(t)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(&engine.StopReason{State: engine.Halted, Reason: "too late"})
	exit, _ := b.perform(ctx, "ok")
	if exit.Finished || !exit.Stopped || !exit.NotStarted || exit.Err == nil || b.executions("odd", "run") != 0 {
		t.Errorf("%+v, ran %d times", exit, b.executions("odd", "run"))
	}
}

func TestDiscardNeverStarts(t *testing.T) {
	b := openOdd(t)
	p := b.launch("odd:Odd")
	if p.PID() == 0 {
		t.Error("no pid")
	}
	p.Discard()
	b.checkNothingLeft(t)
	if n := b.executions("odd", "run"); n != 0 {
		t.Errorf("ran %d times", n)
	}
	if exit := p.Run(t.Context(), startIn("ok"), &record{}); !errors.Is(exit.Err, errUsed) {
		t.Errorf("a run after Discard: %+v", exit)
	}
}

func TestUndoRecordsAreAcknowledged(t *testing.T) {
	b := openOdd(t)
	exit, sink := b.perform(t.Context(), "undo")
	if !exit.Finished || exit.Failure != nil {
		t.Fatalf("%+v", exit)
	}
	if len(sink.undos) != 1 || string(sink.undos[0].Record) != `{"n":1}` {
		t.Errorf("undos: %v", sink.undos)
	}
	want := fmt.Sprintf(`first "" second "an undo record is a JSON document of at most %d bytes"`, engine.MaxUndoRecord)
	if sink.text("attack") != want {
		t.Errorf("acks: %s", sink.text("attack"))
	}
	if sink.undone[1].Outcome != engine.OutcomeNothingToDo {
		t.Errorf("undone: %v", sink.undone)
	}
}

func TestOutputIsBounded(t *testing.T) {
	b := openOdd(t)
	exit, sink := b.perform(t.Context(), "flood")
	if !exit.Finished {
		t.Fatalf("%+v", exit)
	}
	if n := len(sink.text("stderr")); n < outputCap/2 || n > 2*outputCap {
		t.Errorf("%d bytes of stderr in the log", n)
	}
	if !strings.Contains(sink.text("cmed"), "more bytes of output were left out") {
		t.Errorf("notices: %s", sink.text("cmed"))
	}
	if n := len(exit.Status.Stderr); n == 0 || n > outputTail {
		t.Errorf("a tail of %d bytes", n)
	}
}

func TestWhatAGoPluginPrintsIsLogged(t *testing.T) {
	b := openOdd(t)
	_, sink := b.perform(t.Context(), "print")
	for source, want := range map[string]string{"stdout": "printed", "stderr": "complained"} {
		if got := sink.text(source); !strings.Contains(got, want) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s in the log: %s", source, got)
		}
	}
}

func TestTargetsAreBounded(t *testing.T) {
	b := openOdd(t)
	_, sink := b.perform(t.Context(), "targets")
	distinct := map[string]int{}
	for _, target := range sink.targets {
		distinct[target.ID]++
	}
	if len(distinct) != engine.MaxTargets || strings.Count(sink.text("cmed"), "targets are on record") != 1 {
		t.Errorf("%d targets; %s", len(distinct), sink.text("cmed"))
	}
	if distinct["0"] != 3 { // what is said of one again is passed on
		t.Errorf("the first target was told of %d times", distinct["0"])
	}
}

func TestEnvironmentIsExactlyAsExpected(t *testing.T) {
	t.Setenv("ODD_ONE", "1")
	t.Setenv("ODD_TWO", "2")
	t.Setenv("WANTED", "not granted")
	t.Setenv("SECRET", "never")
	cfg := newConfig(t)
	cfg.Grants = []Grant{{Ref: "odd:*", Vars: []string{"ODD_ONE", "SECRET"}}}
	cfg.ScriptsDir = filepath.Join(filepath.Dir(cfg.AttacksDir), "scripts")
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	p := b.launch("odd:Odd")
	sink := &record{}
	start := startIn("env")
	p.Run(t.Context(), start, sink)
	var got struct {
		Env []string
		Dir string
	}
	if err := json.Unmarshal(sink.result, &got); err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(got.Dir) != b.runRoot {
		t.Errorf("ran in %s, want a folder in %s", got.Dir, b.runRoot)
	}
	var run string
	for i, e := range got.Env {
		if strings.HasPrefix(e, "CMED_RUN="+testStore+"/") {
			run = e
			got.Env[i] = "CMED_RUN=…"
		}
	}
	if b := parseBrand(strings.TrimPrefix(run, "CMED_RUN=")); !engine.ValidID(called(b.mark)) || b.host != thisHost() {
		t.Errorf("marked %s", run)
	}
	want := []string{
		"CMED_GRACE=500ms", "CMED_LIFELINE=stdin", "CMED_PLUGIN_COOKIE=chaos-monkey-engine",
		"CMED_PLUGIN_PATH=" + filepath.Join(cfg.AttacksDir, "odd"), "CMED_RUN=…",
		"CMED_SCRIPTS_FOLDER=" + cfg.ScriptsDir, "HOME=" + got.Dir,
		"LANG=C.UTF-8", "ODD_ONE=1", "PATH=" + searchPath, "PLUGIN_MAX_PORT=25000", "PLUGIN_MIN_PORT=10000",
		"PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_UNIX_SOCKET_DIR=" + got.Dir, "TMPDIR=" + got.Dir, "TZ=UTC",
	}
	slices.Sort(got.Env)
	if !slices.Equal(got.Env, want) {
		t.Errorf("environment:\n%s\nwant:\n%s", strings.Join(got.Env, "\n"), strings.Join(want, "\n"))
	}
	f, _ := b.plugin(engine.KindAttack, "odd")
	if !slices.Equal(f.EnvRefused, []string{"HOME", "WANTED"}) || f.EnvHint != "--plugin-env 'odd:Odd=WANTED,HOME'" {
		t.Errorf("refused %v, hint %s", f.EnvRefused, f.EnvHint)
	}
	if want := "odd:Odd asks for WANTED, which this daemon has in its environment and does not let it see; " +
		"to change that, start cmed with --plugin-env 'odd:Odd=WANTED'"; sink.text("cmed") != want {
		t.Errorf("the log says %s", sink.text("cmed"))
	}
}

func TestPluginsThatDoNotServe(t *testing.T) {
	cfg := newConfig(t)
	cfg.StartTimeout = 2 * time.Second
	for _, name := range []string{"mute", "chatty", "deaf", "elsewhere"} {
		install(t, cfg.AttacksDir, name, "")
	}
	b := open(t, cfg)
	for _, test := range []struct{ name, err string }{
		{"mute", "start plugin mute: did not complete its handshake within 2s"},
		{"chatty", `start plugin chatty: prints something that is not a handshake: "good morning"`},
		{"deaf", "start plugin deaf: its process ended without an answer"},
		{"elsewhere", "start plugin elsewhere: can't be connected to: it listens on tcp 127.0.0.1:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			begun := time.Now()
			_, err := b.Launch(t.Context(), b.offer(engine.KindAttack, engine.Ref(test.name+":Odd")), engine.NewExecutorID())
			if err == nil || !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("error: %v", err)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			b.checkNothingLeft(t)
		})
	}
}

func TestLaunchOfAReplacedPluginRunsItsCopy(t *testing.T) {
	b := openOdd(t)
	old := b.offer(engine.KindAttack, "odd:Odd")
	p := b.launch("odd:Odd")
	install(t, b.cfg.AttacksDir, "odd", "second")
	eventually(t, func() error {
		if b.offer(engine.KindAttack, "odd:Odd").Digest == old.Digest {
			return errors.New("the new version does not serve yet")
		}
		return nil
	})
	if exit := p.Run(t.Context(), startIn("ok"), &record{}); !exit.Finished {
		t.Errorf("the old version was disturbed: %+v", exit)
	}
	if err := os.Remove(filepath.Join(b.cfg.AttacksDir, "odd")); err != nil {
		t.Fatal(err)
	}
	exit, err := b.Launch(t.Context(), old, engine.NewExecutorID())
	if err != nil {
		t.Fatalf("the old copy is gone: %v", err)
	}
	exit.Discard()
}

func TestCloseEndsWhatRuns(t *testing.T) {
	b := openOdd(t)
	ended := make(chan engine.Exit)
	logged := make(chan struct{})
	p := b.launch("odd:Odd")
	go func() {
		sink := &record{onLog: func(engine.LogEntry) { close(logged) }}
		ended <- p.Run(context.Background(), startIn("stubborn"), sink)
	}()
	<-logged
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if exit := <-ended; exit.Finished || exit.Err == nil {
		t.Errorf("%+v", exit)
	}
}
