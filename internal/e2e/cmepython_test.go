package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needPython skips a test where there is no python3 for plugins.
func needPython(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3 (Debian: apt-get install python3)")
	}
}

// module puts a Python module beside the plugins of a folder, in place.
func (h home) module(t testing.TB, folder, name, text string) {
	t.Helper()
	dir := filepath.Join(folder, "cme_modules")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	touch(t, filepath.Join(dir, name), text)
}

// serves waits until a list has a ref. Starting python may take a moment on a
// machine that is busy with other tests.
func (d *daemon) serves(t *testing.T, list, ref string) {
	t.Helper()
	waitFor(t, patience, ref, func() bool { return strings.Contains(toJSON(t, d.get(t, list)), `"`+ref+`"`) })
}

// exampleModule is a module of examples/cme-modules.
func exampleModule(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "examples", "cme-modules", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// theirAttack is the attack of CME's documentation as it is printed there, with a
// body for its run().
func theirAttack(body string) string {
	return `from chaosmonkey.attacks import Attack
import logging, os, signal, time

class MyAttack(Attack):

    ref = "my_attack:MyAttack"

    schema = {
        "type": "object",
        "properties": {
            "ref": {"type": "string"},
            "name": {"type": "string"}
        }
    }

    example = {
        "ref": "my_attack:MyAttack",
        "name": "attack1"
    }

    def __init__(self, attack_config):
        super(MyAttack, self).__init__(attack_config)

    def run(self):
        """
        This method is called to perform the actual attack. You can access the self.attack_config
        that holds the dict/json used when calling the endpoint to plan the attacks.
        """
        ` + strings.ReplaceAll(body, "\n", "\n        ") + `

    @staticmethod
    def to_dict():
        return Attack._to_dict(MyAttack.ref, MyAttack.schema, MyAttack.example)
`
}

// theirPlan plans their attack with the planner of examples/cme-modules.
func theirPlan(planner args) map[string]any {
	return map[string]any{
		"name":    "as before",
		"attack":  map[string]any{"ref": "my_attack.MyAttack", "name": "attack1"},
		"planner": map[string]any{"ref": "my_planner:MyPlanner", "args": planner},
	}
}

// runTheirs has their attack run now and returns the executor.
func (d *daemon) runTheirs(t *testing.T) string {
	t.Helper()
	_, ids := d.postPlan(t, theirPlan(args{"seconds": 0.2}))
	if len(ids) != 1 {
		t.Fatalf("the plan has %d executors", len(ids))
	}
	return ids[0]
}

// An attack and a planner of the Chaos Monkey Engine serve as soon as they lie in
// their folders, and again when they are edited there.
func TestOldModulesServe(t *testing.T) {
	t.Parallel()
	needPython(t)
	d := start(t)
	d.offers(t, "my_attack:MyAttack", false)
	if bridge := plugin(d.get(t, "/api/1/plugins/"), "cme_python"); bridge.text("state") != "ready" || bridge["warnings"] != nil {
		t.Errorf("without modules the plugin is %v", bridge)
	}

	d.module(t, d.attacks, "my_attack.py", theirAttack(`print("hello", self.attack_config["name"])
logging.getLogger(__name__).warning("careful")
return {"config": self.attack_config}`))
	d.module(t, d.planners, "my_planner.py", exampleModule(t, "my_planner.py"))
	d.serves(t, "/api/1/attacks/", "my_attack:MyAttack")
	d.serves(t, "/api/1/planners/", "my_planner:MyPlanner")

	id := d.runTheirs(t)
	e := d.await(t, id, "succeeded")
	if e.Run == nil || !strings.Contains(string(e.Run.Result), `"attack1"`) || e.Name != "My job" {
		t.Errorf("executor %+v", e)
	}
	log := d.log(t, id)
	says(t, "the log", log, "hello attack1")
	says(t, "the log", log, "careful")

	d.module(t, d.attacks, "my_attack.py", theirAttack(`raise RuntimeError("no such instance")`))
	waitFor(t, patience, "the edited module", func() bool {
		e = d.await(t, d.runTheirs(t), "succeeded", "failed")
		return e.State == "failed"
	})
	says(t, "the reason", e.Reason, "RuntimeError: no such instance (my_attack.py, line ")
	says(t, "the log", d.log(t, e.ID), "Traceback (most recent call last)")
}

// A date without a zone, as old planners make them, is in the plan's.
func TestAnOldPlannersDatesAreInThePlansZone(t *testing.T) {
	t.Parallel()
	needPython(t)
	h := newHome(t)
	h.module(t, h.attacks, "my_attack.py", theirAttack("pass"))
	h.module(t, h.planners, "my_planner.py", exampleModule(t, "my_planner.py"))
	d := start(t, inHome(h))
	d.serves(t, "/api/1/attacks/", "my_attack:MyAttack")
	doc := d.post(t, "/api/1/plans/", with(theirPlan(args{"date": "2090-06-21T15:30"}), map[string]any{"timezone": "Asia/Kolkata"}), http.StatusOK)
	if at, err := time.Parse(time.RFC3339, doc.text("next_execution")); err != nil || at.UTC().Format(time.RFC3339) != "2090-06-21T10:00:00Z" {
		t.Errorf("planned for %s, %v", doc.text("next_execution"), err)
	}
	a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: theirPlan(args{"date": "noon"})})
	checkProblem(t, a, http.StatusBadRequest, "")
	says(t, "the refusal", string(a.body), "ValueError: time data 'noon' does not match format")
}

// What is wrong with a module is shown and keeps no other from serving.
func TestABrokenModuleIsShown(t *testing.T) {
	t.Parallel()
	needPython(t)
	h := newHome(t)
	h.module(t, h.attacks, "my_attack.py", theirAttack("pass"))
	h.module(t, h.attacks, "broken.py", "import logging\nimport no_such_library\n")
	d := start(t, inHome(h))
	d.serves(t, "/api/1/attacks/", "my_attack:MyAttack")
	shown := func() string { return toJSON(t, plugin(d.get(t, "/api/1/plugins/"), "cme_python")["warnings"]) }
	says(t, "the list of plugins", shown(), "broken.py: it can't be imported: ModuleNotFoundError: No module named 'no_such_library' (broken.py, line 2)")
	says(t, "cmed plugins", d.cmed(t, 0, "plugins", "-a", d.attacks, "-P", d.planners).out, "broken.py")
	d.module(t, h.attacks, "broken.py", "import logging\n")
	waitFor(t, patience, "the mended module", func() bool { return !strings.Contains(shown(), "broken.py") })
}

// However a run ends, its python ends; where it can, with its finally blocks.
func TestAnOldAttackIsEnded(t *testing.T) {
	t.Parallel()
	needPython(t)
	h := newHome(t)
	started, finally := filepath.Join(h.dir, "started"), filepath.Join(h.dir, "finally")
	body := `open("` + started + `", "w").close()
try:
    os.system("sleep 600")
    time.sleep(600)
finally:
    open("` + finally + `", "w").close()`
	h.module(t, h.attacks, "my_attack.py", theirAttack(body))
	h.module(t, h.planners, "my_planner.py", exampleModule(t, "my_planner.py"))
	d := start(t, inHome(h), withArgs("--stop-grace", "3s"))
	d.serves(t, "/api/1/attacks/", "my_attack:MyAttack")
	run := func() string {
		id := d.runTheirs(t)
		waitForFile(t, started)
		remove(t, started)
		return id
	}
	expectNoPython := func() {
		t.Helper()
		waitFor(t, patience, "python to be gone", func() bool { return len(d.processes()) == 0 })
	}

	id := run()
	d.halt(t, id)
	d.await(t, id, "halted")
	expectNoPython()
	waitForFile(t, finally)
	remove(t, finally)

	id = run()
	killPID(t, d.executor(t, id).Run.PID)
	d.await(t, id, "crashed")
	expectNoPython()

	h.module(t, h.attacks, "my_attack.py", theirAttack("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"+body))
	waitFor(t, patience, "a deaf attack to be ended", func() bool {
		_ = os.Remove(finally)
		id = run()
		d.halt(t, id)
		d.await(t, id, "halted")
		expectNoPython()
		_, err := os.Stat(finally)
		return os.IsNotExist(err)
	})

	id = run()
	d.signal(t, syscall.SIGKILL)
	d.end(t)
	expectNoPython()
	d.restart(t)
	d.await(t, id, "lost")
}
