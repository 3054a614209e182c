package cmepython

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

func TestWhatIsPrintedAndLoggedIsInTheLogInOrder(t *testing.T) {
	got := runBody(t, `
log.debug("one %s", "debug")
print("two", end="")
print(" lines\nthree")
log.info("four")
log.warning("five")
sys.stderr.write("six\n")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("seven")
logging.getLogger("botocore").debug("not this")
log.info("%d", "wrong")
print("the end", end="")`)
	var lines []string
	for _, e := range got.Log {
		first, _, _ := strings.Cut(e.Message, "\n")
		lines = append(lines, e.Level+" "+first)
	}
	want := []string{
		"debug one debug", "info two lines", "info three", "info four", "warn five", "info six", "error seven",
		"info %d ('wrong',)", "info the end",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q\nwant %q", lines, want)
	}
	if got.Failure != nil || got.Result != nil {
		t.Errorf("failure %v, result %s", got.Failure, got.Result)
	}
	if got.Log[0].Fields["logger"] != "m" || got.Log[1].Fields["stream"] != "stdout" || got.Log[5].Fields["stream"] != "stderr" {
		t.Errorf("fields %v", got.Log)
	}
	if trace := got.Log[6].Message; !strings.Contains(trace, "ZeroDivisionError: division by zero") {
		t.Errorf("no traceback: %s", trace)
	}
}

func TestWhatChildrenPrintIsInTheLog(t *testing.T) {
	got := runBody(t, `
os.system("echo from a shell")
subprocess.call(["echo", "to the same stream"], stdout=sys.stdout)
os.write(1, b"\xff raw\n")`)
	said := messages(got.Log, "info")
	slices.Sort(said)
	if want := []string{"from a shell", "to the same stream", "\uFFFD raw"}; !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}

func TestAForkedChildIsAProcessLikeAnyOther(t *testing.T) {
	for _, c := range []struct{ rule, child, parent, want, said string }{
		{"its exception is told", `raise RuntimeError("lost")`, "return os.wait()[1] >> 8", "1", "RuntimeError: lost"},
		{"its status is its own", `sys.exit(3)`, "return os.wait()[1] >> 8", "3", ""},
		{"it logs", `log.error("from the child")`, "return os.wait()[1] >> 8", "0", "ERROR m: from the child"},
		{"it is terminated", `time.sleep(60)`, "time.sleep(0.1); os.kill(child, 15); return os.wait()[1]", "15", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			got := runBody(t, "child = os.fork()\nif child == 0:\n    "+c.child+"\n    return\n"+c.parent)
			said := messages(got.Log, "info")
			if got.Failure != nil || string(got.Result) != c.want || c.said == "" && len(said) > 0 || c.said != "" && !slices.Contains(said, c.said) {
				t.Errorf("failure %v, result %s, said %q", got.Failure, got.Result, said)
			}
		})
	}
}

// A thread that holds a lock while another forks leaves it locked in the child.
func TestChildrenOfATalkativeProcessDontHang(t *testing.T) {
	got := runBody(t, `
over = threading.Event()
def talk():
    while not over.is_set():
        print("p" * 20000)
threading.Thread(target=talk).start()
children = []
for _ in range(20):
    children.append(os.fork())
    if children[-1] == 0:
        print("c" * 2000)
        return
left, deadline = set(children), time.monotonic() + 10
while left and time.monotonic() < deadline:
    left -= {child for child in left if os.waitpid(child, os.WNOHANG)[0]}
    time.sleep(0.01)
over.set()
for child in left:
    os.kill(child, 9)
return len(left)`)
	said := map[string]int{}
	for _, line := range messages(got.Log, "info") {
		said[line]++
	}
	if got.Failure != nil || string(got.Result) != "0" || len(said) != 2 || said[strings.Repeat("c", 2000)] != 20 {
		t.Errorf("failure %v, result %s, %d different lines", got.Failure, got.Result, len(said))
	}
}

func TestHowARunEnds(t *testing.T) {
	for _, c := range []struct{ rule, body, failure, result string }{
		{"what it returns is the result", `return {"killed": ["a"], "n": (1, 2)}`, "", `{"killed": ["a"], "n": [1, 2]}`},
		{"nothing is no result", `return None`, "", ""},
		{"falsehood is one", `return False`, "", "false"},
		{"what JSON can't hold is not kept", `return object()`, "", ""},
		{"an exception", `raise ValueError("no such host")`, "ValueError: no such host (m.py, line 13)", ""},
		{"an exception without words", `raise KeyError`, "KeyError (m.py, line 13)", ""},
		{"an exception whose words fail", `
class Odd(Exception):
    def __str__(self):
        raise RuntimeError
raise Odd`, "Odd: <exception str() failed> (m.py, line 16)", ""},
		{"an exception in a library", `import json; json.loads("{")`, "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) (m.py, line 13)", ""},
		{"it leaves with a status", `sys.exit(3)`, "it called sys.exit(3)", ""},
		{"it leaves well", `sys.exit()`, "", ""},
		{"it ends the process", `os._exit(9)`, "python3 ended without an answer: exit status 9", ""},
		{"it is killed", `os.kill(os.getpid(), 9)`, "python3 ended without an answer: signal: killed", ""},
		{"a thread goes on", "def more():\n    time.sleep(0.2); print('more')\nthreading.Thread(target=more).start()", "", ""},
		{"a fork comes back", "if os.fork() == 0:\n    return 'child'\nos.wait()\nreturn 'parent'", "", `"parent"`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			got := runBody(t, c.body)
			failure := ""
			if got.Failure != nil {
				failure = got.Failure.Message
			}
			if failure != c.failure || !sameJSON(string(got.Result), c.result) {
				t.Errorf("failure %q, result %s; want %q, %s", failure, got.Result, c.failure, c.result)
			}
			if strings.Contains(c.failure, "m.py, line") {
				errors := messages(got.Log, "error")
				if len(errors) != 1 || !strings.HasPrefix(errors[0], "Traceback (most recent call last):\n") || strings.Contains(errors[0], "cmedbridge") {
					t.Errorf("the traceback is %q", errors)
				}
			}
			if c.rule == "a thread goes on" && !slices.Contains(messages(got.Log, "info"), "more") {
				t.Error("it was not waited for")
			}
		})
	}
}

func sameJSON(a, b string) bool {
	return strings.ReplaceAll(a, " ", "") == strings.ReplaceAll(b, " ", "")
}

func TestAConfigWithoutArgsIsTheAttacks(t *testing.T) {
	b := newBridge(t, "attack", files{"m.py": attackModule(`return [len(self.attack_config["long"]), dict(self.attack_config, long="")]`)})
	config := map[string]any{"ref": "m:A", "name": "é \u2028 ☃", "deep": map[string]any{"n": 1.5}, "long": strings.Repeat("x", 1<<20)}
	got := sdktest.Run(t, b.attack(t, "m:A"), nil, sdktest.Config(config))
	if got.Failure != nil || !strings.HasPrefix(string(got.Result), "[1048576,") || !strings.Contains(string(got.Result), `"deep"`) {
		t.Errorf("failure %v, result %.200s", got.Failure, got.Result)
	}
}

// CME handed its attacks the args; its documentation speaks of all that is posted.
func TestTheArgsAreTheAttacksConfig(t *testing.T) {
	b := newBridge(t, "attack", files{"m.py": attackModule(`import copy, pickle
c = self.attack_config
assert c == copy.deepcopy(c) == pickle.loads(pickle.dumps(c)) == dict(**c)
assert c["filters"] is c["args"]["filters"] and "ref" in c and "more" not in c
c["filters"]["state"] = "running"
return [c, c.get("region"), c.get("more"), c.get("more", 5), c["ref"], c.get("args")["region"], len(c), list(c)]`)})
	config := map[string]any{"ref": "m:A", "args": map[string]any{"filters": map[string]any{"tag:Chaos": "true"}, "region": "eu"}}
	got := sdktest.Run(t, b.attack(t, "m:A"), nil, sdktest.Config(config))
	want := `[{"filters": {"tag:Chaos": "true", "state": "running"}, "region": "eu"}, "eu", null, 5, "m:A", "eu", 2, ["filters", "region"]]`
	if got.Failure != nil || !sameJSON(string(got.Result), want) {
		t.Errorf("failure %v, result %s, want %s", got.Failure, got.Result, want)
	}
}

// An event that the plugin can't read would end the run.
func TestTextsThatAreTooLongAreCut(t *testing.T) {
	got := runBody(t, `
print("é" * (11 << 20))
log.info("x" * (21 << 20))
raise ValueError("y" * (21 << 20))`)
	if got.Failure == nil || !strings.HasPrefix(got.Failure.Message, "ValueError: yyy") {
		t.Fatalf("failure %.100v", got.Failure)
	}
	printed, logged := 0, 0
	for _, e := range got.Log {
		printed += strings.Count(e.Message, "é")
		logged += strings.Count(e.Message, "x")
	}
	if printed < 11<<20-1000 || logged < 60<<10 {
		t.Errorf("%d printed, %d logged", printed, logged)
	}
}

func TestAResultThatIsTooLongIsNotKept(t *testing.T) {
	got := runBody(t, `return "x" * (256 << 10)`)
	if got.Failure != nil || got.Result != nil || !strings.Contains(strings.Join(messages(got.Log, "info"), "\n"), "longer than") {
		t.Errorf("failure %v, result of %d bytes, log %v", got.Failure, len(got.Result), messages(got.Log, "info"))
	}
}

func TestChoicesAreRepeatable(t *testing.T) {
	// CME's own modules call random.seed().
	body := `import random
drawn = [random.random()]
for _ in range(2):
    random.seed()
    drawn.append(random.random())
assert len(set(drawn)) == 3
return drawn`
	one, same, other := runBody(t, body, sdktest.Seed(5)), runBody(t, body, sdktest.Seed(5)), runBody(t, body, sdktest.Seed(6))
	if one.Failure != nil || string(one.Result) != string(same.Result) || string(one.Result) == string(other.Result) {
		t.Errorf("%v, %s, %s and %s", one.Failure, one.Result, same.Result, other.Result)
	}
}

func TestOnlyADeclaredDryRunIsOne(t *testing.T) {
	config := sdktest.Config(map[string]any{"ref": "m:A"})
	b := newBridge(t, "attack", files{"m.py": attackModuleWith("dry_run = True", "return self.dry_run")})
	if got := sdktest.Run(t, b.attack(t, "m:A"), nil, config, sdktest.DryRun()); string(got.Result) != "true" {
		t.Errorf("%v, result %s", got.Failure, got.Result)
	}
	if got := sdktest.Run(t, b.attack(t, "m:A"), nil, config); string(got.Result) != "false" {
		t.Errorf("%v, result %s", got.Failure, got.Result)
	}
	b.put(t, "m.py", attackModule("print('harm')"))
	got := sdktest.Run(t, b.attack(t, "m:A"), nil, config, sdktest.DryRun())
	if got.Failure == nil || got.Failure.Message != "m:A has no dry run: its class does not say dry_run = True" || len(got.Log) > 0 {
		t.Errorf("%v, log %v", got.Failure, got.Log)
	}
}

func TestARefFindsItsClass(t *testing.T) {
	b := newBridge(t, "attack", files{
		"m.py":       attackModule("import beside\nreturn beside.NAME"),
		"beside.py":  "NAME = 'm'",
		"broken.py":  "import no_such_library",
		"renamed.py": preamble + "class X(Attack):\n    ref = 'x:X'\n    def run(self):\n        return 'x'\n",
	})
	for ref, want := range map[string]string{"m:A": `"m"`, "m.A": `"m"`, "x:X": `"x"`, "renamed.X": `"x"`} {
		got := sdktest.Run(t, b.attack(t, ref), nil, sdktest.Config(map[string]any{"ref": ref}))
		if got.Failure != nil || string(got.Result) != want {
			t.Errorf("%s: %v, result %s", ref, got.Failure, got.Result)
		}
	}
	for ref, want := range map[string]string{
		"m:B":      "no module in " + b.folder + " has a class for m.B",
		"broken:B": "ModuleNotFoundError: No module named 'no_such_library' (broken.py, line 1)",
	} {
		got := sdktest.Run(t, b.attack(t, ref), nil, sdktest.Config(map[string]any{"ref": ref}))
		if got.Failure == nil || got.Failure.Message != want {
			t.Errorf("%s: %v, want %s", ref, got.Failure, want)
		}
	}
}

func TestWhereARunFindsItself(t *testing.T) {
	t.Setenv("PYTHONPATH", "/nowhere")
	t.Setenv("PLUGIN_SECRET", "x")
	t.Setenv("CMED_PLUGIN_COOKIE", "x")
	t.Setenv("CMED_RUN", "")
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("TMPDIR", t.TempDir())
	got := runBody(t, `
import datetime
names = [n for n in ("PLUGIN_SECRET", "CMED_PLUGIN_COOKIE", "CMED_RUN", "AWS_REGION") if n in os.environ]
here = os.path.dirname(os.path.abspath(__file__))
return [names, "/nowhere" in sys.path, sys.path[1] == here, os.listdir(here), datetime.datetime.now().astimezone().tzname(), sys.stdin.read()]`,
		sdktest.Zone("Asia/Kolkata"))
	if want := `[["CMED_RUN", "AWS_REGION"], false, true, ["m.py"], "IST", ""]`; !sameJSON(string(got.Result), want) {
		t.Errorf("%v, %s, want %s", got.Failure, got.Result, want)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
