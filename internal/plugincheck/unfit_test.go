//go:build linux

package plugincheck

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// unfitBinary is the plugin that has a fault for each name it is given.
var unfitBinary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "plugincheck-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	unfitBinary = filepath.Join(dir, "unfit")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", unfitBinary, "./internal/unfit")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the unfit plugin: %v\n%s", err, out))
	}
	// A file that has just been written may still be growing: it is looked at later.
	if err := os.Chtimes(unfitBinary, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		panic(err)
	}
	if err := host.Harden(); err != nil {
		panic(err)
	}
	// Most of the time of a check is spent waiting.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(4*runtime.NumCPU())); err != nil {
		panic(err)
	}
	return m.Run()
}

// unfit returns a plugin file with a fault, alone in its folder but for what a
// fault may do harm to.
func unfit(t *testing.T, fault string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), fault)
	binary, err := os.ReadFile(unfitBinary)
	if err != nil {
		t.Fatal(err)
	}
	// No link: another one to the file would change it while the host reads it.
	if err := os.WriteFile(path, binary, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "bystander"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// faulty are the faults, and the checks that must fail for each. With a sandbox,
// the fault shows only where there is one; live, only in live runs.
var faulty = []struct {
	fault string
	fails string
	// says is in what it says of the fault.
	says string
	// also are checks that may fail besides.
	also          []string
	live, sandbox bool
}{
	{fault: "dry-writes", fails: "dry-run-harmless", says: "tried to change", sandbox: true},
	{fault: "dry-deletes", fails: "dry-run-harmless", says: "/bystander", sandbox: true},
	{fault: "dry-makes-folder", fails: "dry-run-harmless", says: "/folder", sandbox: true},
	{fault: "dry-records", fails: "dry-run-harmless", says: "announced an undo record"},
	{fault: "dry-hits", fails: "dry-run-harmless", says: "target file as hit"},
	{fault: "sdk-forgets-the-dry-run", fails: "dry-run-harmless", says: "/forgotten", sandbox: true},
	{fault: "dry-panics", fails: "dry-run-answers", says: "panic: out of bananas"},
	{fault: "dry-exits", fails: "dry-run-answers", says: "exited with code 0"},
	{fault: "dry-freezes", fails: "dry-run-answers", says: "no answer within 4s"},
	{fault: "dry-never-ends", fails: "dry-run-answers", says: "no answer within 4s"},
	{fault: "dry-floods", fails: "dry-run-answers", says: "no answer within 4s"},
	{fault: "dry-ends-without-answer", fails: "dry-run-answers", says: "ended the run without an answer"},
	{fault: "fails-with-a-stack", fails: "dry-run-answers", says: "it panics: panic: out of bananas"},
	{fault: "sdk-panics", fails: "dry-run-answers", says: "nil pointer dereference"},
	{fault: "stays", fails: "exits", says: "had to be killed", also: []string{"stop-in-grace"}},

	{fault: "deaf", fails: "stop-in-grace", says: "was ended by force"},
	{fault: "sdk-ignores-its-context", fails: "stop-in-grace", says: "was ended by force"},
	{fault: "outlives-its-host", fails: "lifeline", says: "after its lifeline closed", also: []string{"called-off"}},
	{fault: "deaf-to-sigterm", fails: "terminate", says: "after it got SIGTERM"},
	{fault: "early", fails: "called-off", says: "/early, although Start never came", also: []string{"dry-run-harmless"}, sandbox: true},
	{fault: "talks-early", fails: "called-off", says: "logged \"here I am\" before Start"},
	{fault: "runs-anyway", fails: "called-off", says: "/anyway, although Start never came", sandbox: true},
	{fault: "waits-when-called-off", fails: "called-off", says: "did not exit by itself when its run was called off", also: []string{"lifeline"}},

	{fault: "leaves-a-process", fails: "leftovers", says: "/bin/sleep 60"},
	{fault: "leaves-a-process-with-its-stderr", fails: "leftovers", says: "/bin/sleep 60"},
	{fault: "leaves-a-socket", fails: "dry-run-harmless", says: "/socket", sandbox: true},
	{fault: "prints", fails: "stray-stdout", says: "hello, world"},

	{fault: "huge-arg-kills", fails: "huge-arg", says: "8 MiB in /args/note"},
	{fault: "wrong-type-kills", fails: "wrong-type", says: "with args [1,\"two\"]"},
	{fault: "takes-any-arg", fails: "schema-closed", says: "/args/an_argument_nobody_knows"},

	{fault: "targets-differ", fails: "targets-answer", says: "then [{"},
	{fault: "targets-write", fails: "targets-answer", says: "/targets", sandbox: true},
	{fault: "targets-panic", fails: "targets-answer", says: "panic: no targets"},
	{fault: "targets-only-declared", fails: "declarations", says: "implement: Targets"},
	{fault: "check-hangs", fails: "check-answer", says: "no answer within"},
	{fault: "check-differs", fails: "check-answer", says: "it answered ["},
	{fault: "check-only-declared", fails: "declarations", says: "implement: Check"},
	{fault: "undo-panics-on-junk", fails: "undo-junk", says: "panic: what is this?", sandbox: true},
	{fault: "undo-says-undone-to-junk", fails: "undo-junk", says: "answers undone", sandbox: true},
	{fault: "undo-ends-without-answer", fails: "undo-junk", says: "nobody is at home", sandbox: true},
	{fault: "undo-only-declared", fails: "declarations", says: "implement: Undo", sandbox: true},

	{fault: "undo-fails-twice", fails: "undo-twice", says: "there is no file", live: true, also: []string{"killed-anywhere-live", "undo-without-run", "live-clean"}},
	{fault: "undo-fails-without-harm", fails: "undo-without-run", says: "there is no file", live: true, also: []string{"killed-anywhere-live", "live-stop", "live-clean"}},
	{fault: "undo-leaves-the-harm", fails: "undo-after-run", says: "no permission", live: true, also: []string{"killed-anywhere-live", "live-stop", "live-clean"}},
	{fault: "harms-before-its-record", fails: "record-refused", says: "as hit all the same", live: true},
	{fault: "leaves-a-process-when-live", fails: "leftovers", says: "a live run left running: /bin/sleep 60", live: true},
	{fault: "goes-on-without-a-record", fails: "record-refused", says: "as hit all the same", live: true},

	{fault: "plan-differs", fails: "plan-same-seed", says: "when asked again"},
	{fault: "plan-writes", fails: "plan-harmless", says: "/plan", sandbox: true},
	{fault: "plan-hangs", fails: "plan-example", says: "no answer within", also: []string{"plan-unknown-arg", "plan-huge-arg", "plan-wrong-type"}},
	{fault: "plan-panics", fails: "plan-example", says: "panic: no time", also: []string{"plan-unknown-arg", "plan-huge-arg", "plan-wrong-type"}},
	{fault: "plan-huge-arg-kills", fails: "plan-huge-arg", says: "panic: no room"},
	{fault: "plan-refuses-its-example", fails: "plan-example", says: "not today"},
}

func TestEachFaultIsNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range faulty {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			r := examined(t, tt.fault, tt.live)
			if tt.sandbox && !r.Sandboxed {
				t.Skip("this kernel has no sandbox (seccomp with user notification, Linux 5.6), in which alone the fault shows")
			}
			var failing []string
			named := false
			for _, f := range r.Findings {
				if f.Outcome != Failed {
					continue
				}
				t.Logf("%s of %q: %s", f.Check, f.Ref, f.Message)
				failing = append(failing, f.Check)
				named = named || f.Check == tt.fails && f.Ref == refOf(tt.fails) && strings.Contains(f.Message, tt.says)
				if f.Message == "" || f.Hint == "" || f.Title == "" {
					t.Errorf("%s does not say what is wrong and how to mend it: %+v", f.Check, f)
				}
			}
			if !named {
				t.Errorf("%s did not fail with %q, but is the fault's", tt.fails, tt.says)
			}
			for _, id := range failing {
				if id != tt.fails && !slices.Contains(tt.also, id) && !excused(tt.fault, id) {
					t.Errorf("%s failed too", id)
				}
			}
		})
	}
}

// refOf is the ref that a check of runs or plans is made of.
func refOf(id string) string {
	if strings.HasPrefix(id, "plan-") {
		return "unfit:Planner"
	}
	return "unfit:Attack"
}

func TestAFitPluginFailsNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"fit", "sdk-fit"} {
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprint(fault, " live ", live), func(t *testing.T) {
				t.Parallel()
				r := examined(t, fault, live)
				for _, f := range r.Findings {
					if f.Outcome == Failed && !excused(fault, f.Check) {
						t.Errorf("%s of %q: %s", f.Check, f.Ref, f.Message)
					}
					if f.Outcome == NotRun {
						t.Logf("%s of %q is not run: %s", f.Check, f.Ref, f.Message)
					}
				}
				want := notRunOfFit(fault, live, r.Sandboxed)
				var got []string
				for _, f := range r.Findings {
					if f.Outcome == NotRun {
						got = append(got, f.Check)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("not run: %v, want %v", got, want)
				}
			})
		}
	}
}

// excused says whether a check fails for a reason of the test's own: what is built
// in a test has no version, which the SDK would take.
func excused(fault, id string) bool { return id == "version" && strings.HasPrefix(fault, "sdk-") }

// notRunOfFit are the checks that can't be made even of a fit plugin, in order.
func notRunOfFit(fault string, live, sandboxed bool) []string {
	var ids []string
	if !sandboxed {
		return []string{"every check that needs the sandbox; see the log"}
	}
	if fault == "sdk-fit" {
		ids = append(ids, "targets-answer", "check-answer")
	}
	if !live {
		ids = append(ids, "live-run", "undo-after-run", "undo-twice", "undo-without-run", "record-refused", "live-stop",
			"killed-anywhere-live", "live-clean")
	}
	return ids
}

// examined returns the report on the plugin with a fault, and demands that the
// check left nothing in its folder.
func examined(t *testing.T, fault string, live bool) *Report {
	t.Helper()
	path := unfit(t, fault)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	r, err := Check(ctx, path, Options{
		Live: live, Announce: func(string) error { return nil },
		Grace: 700 * time.Millisecond, Timeout: 4 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if fault == "harms-before-its-record" && strings.HasPrefix(e.Name(), "harm-") {
			continue // of a run that was killed after the harm and before its record: nobody can know of it
		}
		if name := e.Name(); name != fault && name != "bystander" && !strings.HasSuffix(name, ".was") && r.Sandboxed {
			t.Errorf("the check left %s beside the plugin", name)
		}
	}
	return r
}

// An attack that waits for nothing is killed in the middle all the same.
func TestAHastyAttackIsKilled(t *testing.T) {
	t.Parallel()
	for _, f := range examined(t, "sdk-hasty", false).Findings {
		if f.Check == "killed-anywhere" && (f.Outcome != Passed || !strings.Contains(f.Message, "runs were killed before they had answered")) {
			t.Errorf("%s: %s", f.Outcome, f.Message)
		}
	}
}

// What can't be undone is run for real once, and nothing is said of its undo.
func TestWhatCanNotBeUndoneIsRunOnce(t *testing.T) {
	t.Parallel()
	r := examined(t, "irreversible", true)
	for _, f := range r.Findings {
		switch {
		case f.Outcome == Failed:
			t.Errorf("%s of %q: %s", f.Check, f.Ref, f.Message)
		case f.Check == "live-clean" && !strings.Contains(f.Message, "what its live run did is still there"):
			t.Errorf("%s: %s", f.Check, f.Message)
		case f.Check == "killed-anywhere-live" && f.Outcome != NotRun:
			t.Errorf("%s %s, though nothing could be undone", f.Check, f.Outcome)
		}
	}
}

func TestALiveRunIsAnnouncedInOneLine(t *testing.T) {
	compiled, err := schema.Compile([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	got := liveWords(engine.Offer{
		Descriptor: engine.Descriptor{
			Ref: "a:B", Effect: engine.EffectUndoable, CanUndo: true,
			Examples: []json.RawMessage{json.RawMessage("{\n\t\"ref\": \"a:B\",\n\t\"args\": {}\n}")},
		},
		Compiled: compiled,
	})
	const want = "  a:B (undoable, it can be undone), several times, if it announces what is to be undone:\n    {\"ref\":\"a:B\",\"args\":{}}"
	if got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestALiveCheckIsCalledOff(t *testing.T) {
	t.Parallel()
	path := unfit(t, "fit")
	no := errors.New("no, thanks")
	announced := ""
	_, err := Check(t.Context(), path, Options{Live: true, Announce: func(what string) error {
		announced = what
		return no
	}})
	if !errors.Is(err, no) {
		t.Errorf("the check went on: %v", err)
	}
	if !strings.Contains(announced, "unfit:Attack") || !strings.Contains(announced, "hello") {
		t.Errorf("it announced %q", announced)
	}
}
