package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const previewMembers = "msg name attack planner timezone timeout misfire_grace undo seed dry_run effect executors_count executors_total executors " +
	"targets targets_error"

// A trial shows what a plan would be and would hit, and leaves nothing.
func TestATrialStoresNothing(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	at := tomorrow()
	body := with(planBody("e2e:Harm", args{"file": file, "count": 2}, at), map[string]any{"seed": 42, "colour": "red"})
	stored := d.stored(t)
	preview := func() document {
		t.Helper()
		r := trial("?dry_run=true", toJSON(t, body))
		r.header = map[string]string{"Idempotency-Key": "a trial has no need of one"}
		a := d.send(t, r)
		if a.status != http.StatusOK || a.header.Get("Location") != "" {
			t.Fatalf("%d %v %s", a.status, a.header, a.body)
		}
		return a.doc(t)
	}
	doc := preview()
	checkMembers(t, "the preview", doc, previewMembers+" _warnings")
	for name, want := range map[string]string{
		"msg": `"dry run: nothing was stored"`, "seed": "42", "dry_run": "false", "effect": `"undoable"`,
		"executors_count": "1", "executors_total": "1", "targets_error": "null", "timezone": `"Europe/Madrid"`,
		"targets": toJSON(t, []document{
			{"id": file + ".0", "name": "harm.0", "state": "selected"}, {"id": file + ".1", "name": "harm.1", "state": "selected"},
		}),
	} {
		if got := toJSON(t, doc[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	executors := doc.list("executors")
	if len(executors) != 1 {
		t.Fatalf("executors: %v", doc["executors"])
	}
	checkMembers(t, "its executor", executors[0], "name next_run_time executed state reason seed dry_run attack_ref")
	madrid := at.In(zone(t, "Europe/Madrid")).Format("2006-01-02T15:04:05-07:00")
	if executors[0].text("next_run_time") != madrid || executors[0].text("state") != "scheduled" {
		t.Errorf("%v, want it at %s", executors[0], madrid)
	}
	if again := preview(); toJSON(t, again) != toJSON(t, doc) {
		t.Errorf("the same seed gives\n%v\nand\n%v", again, doc)
	}
	if now := d.stored(t); now != stored {
		t.Errorf("something was stored: %s", now)
	}

	plan, ids := d.postPlan(t, body) // the key was not used up, and what was shown is what comes
	if e := d.get(t, "/api/1/executors/"+ids[0]); toJSON(t, e["seed"]) != toJSON(t, executors[0]["seed"]) || e.text("next_run_time") != madrid {
		t.Errorf("the plan has %v, the preview had %v", e, executors[0])
	}
	d.delete(t, "/api/1/plans/"+plan, http.StatusOK)
	d.checkClean(t)
}

func TestATrialTellsWhyThereAreNoTargets(t *testing.T) {
	t.Parallel()
	d := start(t)
	preview := func(body map[string]any) document {
		t.Helper()
		return d.post(t, "/api/1/plans/?dry_run=true", body, http.StatusOK)
	}
	doc := preview(sleepPlan(tomorrow())) // it can't tell
	if doc["targets"] != nil || doc["targets_error"] != nil {
		t.Errorf("%v %v", doc["targets"], doc["targets_error"])
	}
	doc = preview(planBody("e2e:Harm", args{"file": filepath.Join(d.dir, "nowhere", "harm")}, tomorrow()))
	if doc["targets"] != nil || !strings.Contains(doc.text("targets_error"), "no such file") {
		t.Errorf("%v %v", doc["targets"], doc["targets_error"])
	}
	doc = preview(sleepPlan(time.Now().Add(-time.Hour)))
	if toJSON(t, doc["executors_count"]) != "0" || toJSON(t, doc["executors_total"]) != "1" || doc["_warnings"] == nil {
		t.Errorf("a plan for the past: %v", doc)
	}
}

// A dry run goes the whole way and does no harm.
func TestADryRunDoesNoHarm(t *testing.T) {
	t.Parallel()
	d := start(t)
	file, runs := filepath.Join(d.dir, "harm"), filepath.Join(d.dir, "runs")
	body := with(planBody("e2e:Harm", args{"file": file, "count": 2, "runs": runs}, time.Now()), map[string]any{"dry_run": true})
	plan, ids := d.postPlan(t, body)
	e := d.await(t, ids[0], "succeeded")
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("the dry run did harm: %v", left)
	}
	if n := len(linesOf(t, runs)); n != 1 {
		t.Errorf("the attack was called %d times", n)
	}
	doc := d.get(t, "/api/1/executors/"+ids[0])
	if doc["dry_run"] != true || doc.at("run/dry_run") != true || e.Undo != "none" || len(doc.list("undo_records")) != 0 {
		t.Errorf("%v", doc)
	}
	if targets := doc.list("run/targets"); len(targets) != 2 || targets[0].text("id") != file+".0" {
		t.Errorf("targets %v", doc.at("run/targets"))
	}
	says(t, "its log", d.log(t, ids[0]), "dry run: the harm is left out", "remove "+file+".0")
	if p := d.get(t, "/api/1/plans/"+plan); p["dry_run"] != true || p["executed"] != true {
		t.Errorf("%v", p)
	}
	harmful := d.attack(t, "e2e:Harm", args{"file": file, "count": 2}, time.Now())
	d.await(t, harmful, "succeeded")
	if left := harmLeft(t, file); len(left) != 2 {
		t.Errorf("without the dry run there is the harm %v: this tests nothing", left)
	}
}

// An attack that does not declare dry runs is never run for one, not even when
// it declared them once.
func TestADryRunThatIsNotOffered(t *testing.T) {
	t.Parallel()
	d := start(t)
	counted := filepath.Join(d.dir, "counted")
	body := with(planBody("e2e:Count", args{"file": counted}, time.Now()), map[string]any{"dry_run": true})
	for _, query := range []string{"", "?dry_run=true"} {
		a := d.send(t, trial(query, toJSON(t, body)))
		checkProblem(t, a, http.StatusBadRequest, "e2e:Count does not offer dry runs; nothing was stored")
		if problems := a.doc(t).list("errors"); len(problems) != 1 || problems[0].text("pointer") != "/dry_run" {
			t.Errorf("%v", problems)
		}
	}
	if n := len(d.executors(t, "?executed=true")); n != 0 || len(linesOf(t, counted)) != 0 {
		t.Errorf("%d executors, %d runs", n, len(linesOf(t, counted)))
	}
}

// An operator's rules hold for a trial too, those about harm not for a dry run.
func TestTrialsAndDryRunsUnderRules(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--irreversible=deny", "--deny-attack=e2e:Harm"))
	call := planBody("api_request:ApiRequest", args{"endpoint": "http://127.0.0.1:1/", "method": "GET"}, time.Now())
	a := d.send(t, trial("?dry_run=true", toJSON(t, call)))
	checkProblem(t, a, http.StatusForbidden, "")
	says(t, "the refusal", a.doc(t).text("msg"), "--irreversible=deny")
	_, ids := d.postPlan(t, with(call, map[string]any{"dry_run": true})) // nothing is sent
	d.await(t, ids[0], "succeeded")
	harmless := with(planBody("e2e:Harm", args{"file": filepath.Join(d.dir, "harm")}, time.Now()), map[string]any{"dry_run": true})
	a = d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: harmless})
	checkProblem(t, a, http.StatusForbidden, "")
	says(t, "the refusal", a.doc(t).text("msg"), "--deny-attack")
}

// cmed plan posts a plan, in JSON or YAML, and with --dry-run only shows it.
func TestPlanByCommand(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	path := filepath.Join(d.dir, "plan.yaml")
	due := tomorrow()
	touch(t, path, `# a plan
name: a harm
attack:
  ref: e2e:Harm
  args: {file: `+file+`, count: 2}
planner:
  ref: exact_planner:ExactPlanner
  args:
    date: "`+date(due)+`"
`)
	said := d.cmed(t, 0, "plan", "-f", path, "--dry-run").out
	says(t, "cmed plan --dry-run", said, "nothing is stored", "scheduled", file+".0", file+".1", "selected",
		due.In(zone(t, "Europe/Madrid")).Format(time.RFC3339))
	if n := len(d.get(t, "/api/1/plans/?all=true").list("plans")); n != 0 {
		t.Errorf("%d plans are stored", n)
	}
	says(t, "cmed plan", d.cmed(t, 0, "plan", "-f", path).out, "1 executor to run", "scheduled")
	plans := d.get(t, "/api/1/plans/").list("plans")
	if len(plans) != 1 || plans[0].text("name") != "a harm" {
		t.Fatalf("stored are %v", plans)
	}
	touch(t, path, strings.Replace(good, "e2e:Sleep", "e2e:Slip", 1))
	says(t, "cmed plan of an unknown attack", d.cmed(t, 1, "plan", "-f", path).err, `unknown attack "e2e:Slip"`)
	d.cmed(t, 2, "plan", "-f", filepath.Join(d.dir, "nowhere.json"))
}
