package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"
)

// args are the args of an attack or a planner.
type args = map[string]any

// planBody is the body of a plan whose attack runs once, at an instant.
func planBody(ref string, attackArgs args, at time.Time) map[string]any {
	return map[string]any{
		"name":    "a test of " + ref,
		"attack":  map[string]any{"ref": ref, "args": attackArgs},
		"planner": map[string]any{"ref": "exact_planner:ExactPlanner", "args": args{"date": date(at)}},
	}
}

// date writes an instant as a body has it.
func date(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

// executor is the document of an executor, and of its run where it was asked
// for alone.
type executor struct {
	ID        string  `json:"id"`
	Plan      string  `json:"plan_id"`
	Name      string  `json:"name"`
	Due       string  `json:"next_run_time"`
	Executed  bool    `json:"executed"`
	State     string  `json:"state"`
	Started   *string `json:"started"`
	Finished  *string `json:"finished"`
	LagMillis float64 `json:"lag_ms"`
	Reason    string  `json:"reason"`
	Undo      string  `json:"undo"`
	Run       *struct {
		Digest string          `json:"digest"`
		PID    int             `json:"pid"`
		Result json.RawMessage `json:"result"`
	} `json:"run"`
	Log []string `json:"log"`
}

// postPlan posts a plan and returns its id and those of its executors, by time.
func (c client) postPlan(t testing.TB, body any) (plan string, executors []string) {
	t.Helper()
	plan = c.post(t, "/api/1/plans/", body, http.StatusOK).text("id")
	for _, e := range c.executors(t, "?executed=true&plan_id="+plan) {
		executors = append(executors, e.ID)
	}
	return plan, executors
}

// halt stops the run of an executor: 202 as a rule, 200 when it has ended by the
// time of the answer.
func (c client) halt(t testing.TB, id string) {
	t.Helper()
	a := c.send(t, request{method: http.MethodPost, path: "/api/1/executors/" + id + "/halt"})
	if a.status != http.StatusAccepted && a.status != http.StatusOK {
		t.Fatalf("the halt of %s is answered with %d: %s", id, a.status, a.body)
	}
}

// attack posts a plan that runs an attack once, at an instant, and returns the
// executor's id.
func (c client) attack(t testing.TB, ref string, attackArgs args, at time.Time) string {
	t.Helper()
	_, ids := c.postPlan(t, planBody(ref, attackArgs, at))
	if len(ids) != 1 {
		t.Fatalf("the plan has %d executors", len(ids))
	}
	return ids[0]
}

// many posts a plan that runs an attack several times, and returns its
// executors' ids. Their times are to be set with move; grace is how late they may
// start.
func (c client) many(t testing.TB, ref string, attackArgs args, times int, grace string) []string {
	t.Helper()
	body := planBody(ref, attackArgs, tomorrow())
	body["planner"] = map[string]any{
		"ref": "simple_planner:SimplePlanner", "args": args{"min_time": "00:00", "max_time": "24:00", "times": times},
	}
	body["timezone"], body["misfire_grace"] = hourAwayFromMidnight(t), grace
	_, ids := c.postPlan(t, body)
	if len(ids) != times {
		t.Fatalf("the plan has %d executors, want %d", len(ids), times)
	}
	return ids
}

// move has an executor that did not run do so at an instant.
func (c client) move(t testing.TB, id string, at time.Time) {
	t.Helper()
	c.put(t, "/api/1/executors/"+id, trigger(date(at)), http.StatusOK)
}

// executors lists executors.
func (c client) executors(t testing.TB, query string) []executor {
	t.Helper()
	var list struct {
		Executors []executor `json:"executors"`
	}
	c.read(t, "/api/1/executors/"+query, &list)
	return list.Executors
}

// executor shows one with its run.
func (c client) executor(t testing.TB, id string) executor {
	t.Helper()
	var e executor
	c.read(t, "/api/1/executors/"+id, &e)
	return e
}

// read gets a document into a struct.
func (c client) read(t testing.TB, path string, into any) {
	t.Helper()
	a := c.send(t, request{method: http.MethodGet, path: path})
	if a.status != http.StatusOK {
		t.Fatalf("GET %s: status %d: %.2000s", path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("GET %s: %v: %.2000s", path, err, a.body)
	}
}

// await waits until an executor is in one of the states. Another final state
// fails the test.
func (c client) await(t testing.TB, id string, states ...string) executor {
	t.Helper()
	var e executor
	waitFor(t, patience, "executor "+id, func() bool {
		e = c.executor(t, id)
		if e.Executed && !slices.Contains(states, e.State) {
			t.Fatalf("executor %s is %s (%s), want %v; its log: %q", id, e.State, e.Reason, states, e.Log)
		}
		return slices.Contains(states, e.State)
	})
	return e
}

// awaitUndo waits until an executor is final and its undo in one of the states.
func (c client) awaitUndo(t testing.TB, id string, states ...string) executor {
	t.Helper()
	var e executor
	waitFor(t, patience, "the undo of "+id, func() bool {
		e = c.executor(t, id)
		return e.Executed && slices.Contains(states, e.Undo)
	})
	return e
}
