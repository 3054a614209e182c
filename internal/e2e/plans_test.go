package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	planMembers     = "id name created attack planner executors_count next_execution executed timezone timeout misfire_grace undo seed dry_run allow_irreversible _links"
	executorMembers = "id plan_id name next_run_time executed state started finished lag_ms reason undo seed dry_run attack_ref _links"
)

// tomorrow is far enough for nothing to happen during a test.
func tomorrow() time.Time { return time.Now().Add(24 * time.Hour).Truncate(time.Second) }

// sleepPlan is a plan that does no harm.
func sleepPlan(at time.Time) map[string]any { return planBody("e2e:Sleep", args{"for": "1ms"}, at) }

// with returns a body with further members.
func with(body map[string]any, more map[string]any) map[string]any {
	body = maps.Clone(body)
	maps.Copy(body, more)
	return body
}

func TestPostedPlan(t *testing.T) {
	t.Parallel()
	d := start(t)
	at := tomorrow()
	a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: sleepPlan(at)})
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	doc := a.doc(t)
	checkMembers(t, "the answer", doc, planMembers+" msg")
	id := doc.text("id")
	if len(id) != 32 || doc.text("msg") != "ok" || a.header.Get("Location") != "/api/1/plans/"+id {
		t.Errorf("location %q, answer %v", a.header.Get("Location"), doc)
	}
	self := "/api/1/plans/" + id
	links := document{
		"self": linkTo(self), "update": linkTo(self), "delete": linkTo(self),
		"executors": linkTo("/api/1/executors/?plan_id=" + id + "&executed=true"),
	}
	if got, want := toJSON(t, doc["_links"]), toJSON(t, links); got != want {
		t.Errorf("links %s, want %s", got, want)
	}
	madrid := at.In(zone(t, "Europe/Madrid")).Format("2006-01-02T15:04:05-07:00")
	if doc.text("next_execution") != madrid || toJSON(t, doc["executors_count"]) != "1" || doc["executed"] != false {
		t.Errorf("it tells %v, want its execution at %s", doc, madrid)
	}

	alone := d.get(t, self)
	checkMembers(t, "the plan", alone, planMembers+" executors_total _embedded")
	executors := alone.list("_embedded/executors")
	if len(executors) != 1 || toJSON(t, alone["executors_total"]) != "1" {
		t.Fatalf("executors: %v", executors)
	}
	checkMembers(t, "its executor", executors[0], executorMembers)
}

// linkTo is a link as it stands in a document.
func linkTo(href string) document { return document{"href": href} }

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestPlansAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	d := start(t)
	first, _ := d.postPlan(t, sleepPlan(tomorrow()))
	missed, _ := d.postPlan(t, sleepPlan(time.Now().Add(-time.Hour)))
	last, _ := d.postPlan(t, sleepPlan(tomorrow()))
	for path, want := range map[string][]string{
		"/api/1/plans/":            {last, first},
		"/api/1/plans/?all=false":  {last, first},
		"/api/1/plans/?all=maybe":  {last, first},
		"/api/1/plans/?all=true":   {last, missed, first},
		"/api/1/plans/?all=YES":    {last, missed, first},
		"/api/1/plans/?all=On":     {last, missed, first},
		"/api/1/plans/?all=y":      {last, missed, first},
		"/api/1/plans/?all=1&x=2":  {last, missed, first},
		"/api/1/plans/?all=true&a": {last, missed, first},
	} {
		list := d.get(t, path)
		checkMembers(t, path, list, "plans _links")
		var ids []string
		for _, p := range list.list("plans") {
			checkMembers(t, "a plan of the list", p, planMembers)
			ids = append(ids, p.text("id"))
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %v, want %v", path, ids, want)
		}
		if list.text("_links/self/href") != path {
			t.Errorf("%s: self is %q", path, list.text("_links/self/href"))
		}
	}
}

// documented are the attacks of the engine's documentation, as it prints them
// (but for a comma too many in api_request's, which is no JSON).
var documented = map[string]string{
	"api_request:ApiRequest": `{"ref": "api_request.ApiRequest", "args": {"endpoint": "http://localhost:4500", "method": "GET",
		"payload": {"test": "1"}, "headers": {"X-CUSTOM-HEADER": "test"}}}`,
	"terminate_ec2_instance:TerminateEC2Instance": `{"ref": "terminate_ec2_instance:TerminateEC2Instance",
		"args": {"filters": { "tag:Chaos": "true" }}}`,
	"terminate_ec2_instance:TerminateEC2InstanceNotExcluded": `{"ref": "terminate_ec2_instance:TerminateEC2InstanceNotExcluded",
		"args":{"filters": {"tag:Chaos":"true"}, "excluded": {"availability-zone":"eu-west-1"}}}`,
	"run_script:RunScript": `{"ref": "run_script:RunScript", "args": {"filters": {"tag:Chaos":"true"},
		"local_script": "script_attacks/s_burncpu.sh", "remote_script": "/chaos/burn_cpu",
		"ssh" : {"user": "ec2-user", "pem": "BASE64ENCODEDPEM"}, "region": "eu-west-1"}}`,
}

// Each example of the documentation can be posted as it is printed, whatever
// the date or the hour.
func TestDocumentedPlansAreAccepted(t *testing.T) {
	t.Parallel()
	d := start(t)
	simple := `{"ref": "simple_planner:SimplePlanner", "args": {"min_time" : "10:00", "max_time" : "18:00", "times": 4}}`
	exact := `{"ref": "exact_planner:ExactPlanner", "args": {"date": "2016-06-21T15:30:12+02:00"}}`
	for ref, attack := range documented {
		for name, planner := range map[string]string{"simple": simple, "exact": exact} {
			t.Run(ref+" "+name, func(t *testing.T) {
				doc := d.post(t, "/api/1/plans/", `{"name": "Attack", "attack": `+attack+`, "planner": `+planner+`}`, http.StatusOK)
				if doc.text("msg") != "ok" || doc.text("attack/ref") != ref {
					t.Errorf("it answers %v", doc)
				}
				executors := d.executors(t, "?executed=true&plan_id="+doc.text("id"))
				if want := map[string]int{"simple": 4, "exact": 1}[name]; len(executors) != want {
					t.Errorf("it has %d executors, want %d", len(executors), want)
				}
				warnings := toJSON(t, doc["_warnings"])
				for _, e := range executors {
					if e.State == "missed" && (e.Reason == "" || !strings.Contains(warnings, "will not run")) {
						t.Errorf("missed with the reason %q and the warnings %s", e.Reason, warnings)
					}
				}
				if name == "exact" && executors[0].State != "missed" {
					t.Errorf("an executor of 2016 is %s", executors[0].State)
				}
				d.delete(t, "/api/1/plans/"+doc.text("id"), http.StatusOK)
			})
		}
	}
}

func TestExamplePlansAreAccepted(t *testing.T) {
	t.Parallel()
	d := start(t)
	files, err := filepath.Glob(filepath.Join(repository, "examples", "plans", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("examples: %v %v", files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: string(body)})
		// The window of the day that is caught up with may just be over.
		over := a.status == http.StatusBadRequest && strings.Contains(file, "catch-up") && strings.Contains(string(a.body), "is over")
		if a.status != http.StatusOK && !over {
			t.Errorf("%s: %d %s", file, a.status, a.body)
		}
	}
}

func TestPlanOptions(t *testing.T) {
	t.Parallel()
	d := start(t)
	body := sleepPlan(tomorrow())
	body["planner"] = map[string]any{"ref": "exact_planner:ExactPlanner", "args": args{"date": "2031-07-01T12:00"}}
	post := func(more map[string]any) document {
		return d.post(t, "/api/1/plans/", with(body, more), http.StatusOK)
	}
	t.Run("a zone reads the bare times of the plan", func(t *testing.T) {
		doc := post(map[string]any{"timezone": "America/New_York"})
		if doc.text("timezone") != "America/New_York" || doc.text("next_execution") != "2031-07-01T18:00:00+02:00" {
			t.Errorf("%v", doc)
		}
	})
	t.Run("a seed makes executors repeatable", func(t *testing.T) {
		seed := map[string]any{"seed": 42}
		var seeds []string
		for range 2 {
			id := post(seed).text("id")
			seeds = append(seeds, toJSON(t, d.get(t, "/api/1/plans/"+id).list("_embedded/executors")[0]["seed"]))
		}
		if seeds[0] != seeds[1] {
			t.Errorf("seeds %v", seeds)
		}
	})
	t.Run("durations, undo and dry_run are read", func(t *testing.T) {
		doc := post(map[string]any{"timeout": "90s", "misfire_grace": 3.5, "undo": "keep", "dry_run": false})
		if doc["_warnings"] != nil {
			t.Errorf("warnings: %v", doc["_warnings"])
		}
		if doc.text("timeout") != "1m30s" || doc.text("misfire_grace") != "3.5s" || doc.text("undo") != "keep" {
			t.Errorf("the plan shows %v", doc)
		}
	})
	t.Run("labels are kept", func(t *testing.T) {
		doc := post(map[string]any{"labels": map[string]string{"team": "payments"}})
		if doc.text("labels/team") != "payments" {
			t.Errorf("labels: %v", doc["labels"])
		}
	})
	t.Run("an unknown member is reported", func(t *testing.T) {
		doc := post(map[string]any{"colour": "red"})
		if !strings.Contains(toJSON(t, doc["_warnings"]), "colour") {
			t.Errorf("warnings: %v", doc["_warnings"])
		}
	})
	t.Run("a misfire grace lets a late one run", func(t *testing.T) {
		late := with(sleepPlan(time.Now().Add(-5*time.Minute)), map[string]any{"misfire_grace": "10m"})
		_, ids := d.postPlan(t, late)
		d.await(t, ids[0], "succeeded")
	})
	t.Run("a timeout ends a run", func(t *testing.T) {
		long := with(planBody("e2e:Sleep", args{"for": "1m"}, time.Now()), map[string]any{"timeout": "200ms"})
		_, ids := d.postPlan(t, long)
		if e := d.await(t, ids[0], "timed_out"); e.Reason == "" {
			t.Error("it timed out without a reason")
		}
	})
}

func TestDeletedPlanIsGone(t *testing.T) {
	t.Parallel()
	d := start(t)
	id, executors := d.postPlan(t, sleepPlan(tomorrow()))
	doc := d.delete(t, "/api/1/plans/"+id, http.StatusOK)
	checkMembers(t, "the answer", doc, "msg")
	if !strings.Contains(doc.text("msg"), id) {
		t.Errorf("msg %q does not name %s", doc.text("msg"), id)
	}
	for path, msg := range map[string]string{
		"/api/1/plans/" + id:               "plan not found " + id,
		"/api/1/executors/" + executors[0]: "executor not found " + executors[0],
	} {
		d.refused(t, request{method: http.MethodGet, path: path}, http.StatusNotFound, msg)
	}
}

// The plan's running attack is stopped and undone before the plan goes.
func TestDeletionStopsAndUndoesFirst(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	plan, ids := d.postPlan(t, planBody("e2e:Harm", args{"file": file, "hold": "1m"}, time.Now()))
	waitForFile(t, file+".0")
	d.delete(t, "/api/1/plans/"+plan, http.StatusOK)
	if _, err := os.Stat(file + ".0"); !os.IsNotExist(err) {
		t.Errorf("the harm is still there: %v", err)
	}
	d.refused(t, request{method: http.MethodGet, path: "/api/1/executors/" + ids[0]}, http.StatusNotFound, "executor not found "+ids[0])
	d.checkClean(t)
}

func TestHaltedPlan(t *testing.T) {
	t.Parallel()
	d := start(t)
	body := sleepPlan(tomorrow())
	body["planner"] = map[string]any{"ref": "simple_planner:SimplePlanner", "args": args{"min_time": "00:00", "max_time": "24:00", "times": 8}}
	body["timezone"] = hourAwayFromMidnight(t)
	plan, ids := d.postPlan(t, body)
	pending := len(d.executors(t, "?plan_id="+plan))
	doc := d.post(t, "/api/1/plans/"+plan+"/halt", map[string]any{"reason": "enough"}, http.StatusOK)
	checkMembers(t, "the answer", doc, "msg halted _links")
	if !strings.Contains(doc.text("msg"), plan) || toJSON(t, doc["halted"]) != fmt.Sprint(pending) {
		t.Errorf("%v, want %d halted", doc, pending)
	}
	for _, id := range ids {
		if e := d.executor(t, id); e.State != "missed" && (e.State != "cancelled" || e.Reason != "enough") {
			t.Errorf("executor %s is %s: %q", id, e.State, e.Reason)
		}
	}
}

// hourAwayFromMidnight is a zone in which most of the day is still to come, so
// that nothing of a plan for today falls due during a test.
func hourAwayFromMidnight(t testing.TB) string {
	t.Helper()
	for offset := range 12 {
		name := fmt.Sprintf("Etc/GMT+%d", offset)
		if h := time.Now().In(zone(t, name)).Hour(); h >= 1 && h <= 20 {
			return name
		}
	}
	return "UTC"
}

func waitForFile(t testing.TB, path string) {
	t.Helper()
	waitFor(t, patience, "the file "+path, func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
}
