package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	execADoc = `{
  "id": "0199aaaa0000700080000000000000e1", "plan_id": "0199aaaa0000700080000000000000aa", "name": "first",
  "next_run_time": "2026-11-21T03:00:00+01:00", "executed": false, "state": "scheduled", "started": null,
  "finished": null, "lag_ms": null, "reason": "", "undo": "none", "seed": 0, "dry_run": false, "attack_ref": "api_request:ApiRequest",
  "_links": {
    "self": {"href": "/api/1/executors/0199aaaa0000700080000000000000e1"},
    "update": {"href": "/api/1/executors/0199aaaa0000700080000000000000e1"},
    "delete": {"href": "/api/1/executors/0199aaaa0000700080000000000000e1"},
    "plan": {"href": "/api/1/plans/0199aaaa0000700080000000000000aa"},
    "log": {"href": "/api/1/executors/0199aaaa0000700080000000000000e1/log"},
    "halt": {"href": "/api/1/executors/0199aaaa0000700080000000000000e1/halt"}}}`
	execBDoc = `{
  "id": "0199aaaa0000700080000000000000e2", "plan_id": "0199aaaa0000700080000000000000aa", "name": "",
  "next_run_time": "2026-11-21T02:59:00+01:00", "executed": true, "state": "succeeded",
  "started": "2026-11-21T02:59:00+01:00", "finished": "2026-11-21T02:59:02.00025+01:00", "lag_ms": 1.1,
  "reason": "", "undo": "undone", "seed": 7, "dry_run": false, "attack_ref": "api_request:ApiRequest",
  "_links": {
    "self": {"href": "/api/1/executors/0199aaaa0000700080000000000000e2"},
    "update": {"href": "/api/1/executors/0199aaaa0000700080000000000000e2"},
    "delete": {"href": "/api/1/executors/0199aaaa0000700080000000000000e2"},
    "plan": {"href": "/api/1/plans/0199aaaa0000700080000000000000aa"},
    "log": {"href": "/api/1/executors/0199aaaa0000700080000000000000e2/log"},
    "halt": {"href": "/api/1/executors/0199aaaa0000700080000000000000e2/halt"}}}`
)

// withMembers adds members to a document.
func withMembers(doc, members string) string { return doc[:len(doc)-1] + "," + members + "}" }

func TestListExecutors(t *testing.T) {
	f := newFake(t)
	do(t, f, get("/api/1/executors/")).is(http.StatusOK).equals(`{
	  "_links": {"self": {"href": "/api/1/executors/"}},
	  "executors": [` + execADoc + `], "_embedded": {"executors": [` + execADoc + `]}}`)
	both := `[` + execBDoc + `,` + execADoc + `]`
	do(t, f, get("/api/1/executors/?executed=true")).is(http.StatusOK).equals(`{
	  "_links": {"self": {"href": "/api/1/executors/?executed=true"}},
	  "executors": ` + both + `, "_embedded": {"executors": ` + both + `}}`)
}

func TestExecutorFilters(t *testing.T) {
	pending := engine.PendingStates
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	tests := []struct {
		name, query string
		want        engine.ExecutorQuery
	}{
		{"by default those pending", "", engine.ExecutorQuery{States: pending}},
		{"false is pending too", "executed=nonsense", engine.ExecutorQuery{States: pending}},
		{"executed is all", "executed=Y", engine.ExecutorQuery{}},
		{"a plan", "plan_id=" + string(planA), engine.ExecutorQuery{Plan: planA, States: pending}},
		{"a state names itself", "state=failed", engine.ExecutorQuery{States: []engine.State{engine.Failed}}},
		{"states with commas", "state=failed,lost", engine.ExecutorQuery{States: []engine.State{engine.Failed, engine.Lost}}},
		{"states repeated", "state=failed&state=lost", engine.ExecutorQuery{States: []engine.State{engine.Failed, engine.Lost}}},
		{"an attack", "executed=1&attack_ref=x:Y", engine.ExecutorQuery{Attack: "x:Y"}},
		{"an attack by its alias", "executed=1&attack_ref=api_request.ApiRequest", engine.ExecutorQuery{Attack: "api_request:ApiRequest"}},
		{
			"dates, bare ones in the zone", "executed=1&from=2026-11-21T03:00&to=" + url.QueryEscape("2026-11-21T05:00:00+03:00"),
			engine.ExecutorQuery{From: at, To: at},
		},
		{"a cursor", "executed=1&cursor=1", engine.ExecutorQuery{Cursor: "1"}},
		{"by due time", "executed=1&order=due", engine.ExecutorQuery{}},
		{"the newest first", "executed=1&order=newest", engine.ExecutorQuery{Newest: true}},
		{"the newest of some", "state=failed&order=newest&limit=2", engine.ExecutorQuery{States: []engine.State{engine.Failed}, Newest: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := offering(newFake(t))
			do(t, f, get("/api/1/executors/?"+tt.query)).is(http.StatusOK)
			got := f.query
			got.From, got.To, got.Limit = got.From.UTC(), got.To.UTC(), 0
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestExecutorAlone(t *testing.T) {
	f := newFake(t)
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	do(t, f, get("/api/1/executors/"+string(execA))).is(http.StatusOK).
		equals(withMembers(execADoc, `"run": null, "undo_records": [], "log": []`))

	f.runs = map[engine.ExecutorID]engine.Run{execB: {
		Executor: execB, Ref: "api_request:ApiRequest", Digest: "abc", PID: 12, Isolation: []string{"process_group", "no_new_privs"},
		Progress: &engine.Progress{Percent: -1, Message: "half", At: at},
		Targets:  []engine.Target{{ID: "i-1", State: "stopped"}},
		Result:   json.RawMessage(`{"status":200}`),
		Failure:  &engine.Failure{Message: "refused", Pointer: "/args/endpoint"},
		Exit:     &engine.ExitStatus{Code: -1, Signal: "killed", CPU: 12345 * time.Microsecond, PeakMemory: 99},
	}}
	f.undos = map[engine.ExecutorID][]engine.UndoRecord{execB: {{
		UndoID: engine.UndoID{Executor: execB, Sequence: 1}, Record: json.RawMessage(`"top secret"`), Description: "restart i-1",
		Created: at, State: engine.RecordUndone, Attempts: 2, Outcome: engine.OutcomeUndone, Finished: at,
	}}}
	for i := range 25 {
		f.logs = map[engine.ExecutorID][]engine.LogEntry{execB: append(f.logs[execB], engine.LogEntry{
			Seq: uint64(i + 1), At: at, Level: "info", Source: "attack", Message: fmt.Sprint("line ", i+1),
		})}
	}
	a := do(t, f, get("/api/1/executors/"+string(execB))).is(http.StatusOK)
	a.has("run", `{"digest":"abc","dry_run":false,"exit":{"code":-1,"cpu_ms":12.345,"peak_memory_bytes":99,"signal":"killed"},`+
		`"failure":{"message":"refused","pointer":"/args/endpoint"},"isolation":["process_group","no_new_privs"],"log_dropped":0,"pid":12,`+
		`"progress":{"at":"2026-11-21T03:00:00+01:00","message":"half","percent":null},`+
		`"ref":"api_request:ApiRequest","result":{"status":200},"targets":[{"id":"i-1","state":"stopped"}]}`)
	record, err := encode(do(t, f, get(undoTarget)).is(http.StatusOK).doc())
	if err != nil {
		t.Fatal(err)
	}
	a.has("undo_records", "["+string(record)+"]")
	lines := a.at("log").([]any)
	if len(lines) != 20 || lines[0] != "2026-11-21T03:00:00.000+01:00 INFO  [attack] line 6" {
		t.Errorf("log: %d lines from %q", len(lines), lines[0])
	}
}

func TestMoveExecutor(t *testing.T) {
	tests := []struct{ name, date, want string }{
		{"a bare time is in the engine's zone", "2026-12-01T10:00", "2026-12-01T10:00:00+01:00"},
		{"an offset is honoured", "2026-12-01T10:00:00-05:00", "2026-12-01T16:00:00+01:00"},
		{"a space stands for T", "2026-12-01 10:00:01", "2026-12-01T10:00:01+01:00"},
		{"a date alone is its midnight", "2026-07-01", "2026-07-01T00:00:00+02:00"},
		{"epoch seconds", "1796112000", "2026-12-01T09:00:00+01:00"},
		{"the documentation's oddity", "2026-12-01T10:12:148", "2026-12-01T10:12:00+01:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			body := `{"type":"date","args":{"date":"` + tt.date + `"}}`
			a := do(t, f, sendJSON(http.MethodPut, "/api/1/executors/"+string(execA), body)).is(http.StatusOK)
			a.has("next_run_time", `"`+tt.want+`"`).has("id", `"`+string(execA)+`"`)
			if a.doc()["_warnings"] != nil {
				t.Errorf("warnings: %s", a.body)
			}
		})
	}
}

func TestMoveExecutorWarnings(t *testing.T) {
	f := newFake(t)
	f.warnings = []string{"already past"}
	body := `{"type":"date","args":{"date":"2026-10-25T02:30","dates":1},"typ":2}`
	do(t, f, sendJSON(http.MethodPut, "/api/1/executors/"+string(execA), body)).is(http.StatusOK).
		has("_warnings", `["unknown member \"typ\" is ignored; did you mean \"type\"?",`+
			`"unknown member \"dates\" in \"args\" is ignored; did you mean \"date\"?",`+
			`"the clocks in Europe/Madrid show 2026-10-25T02:30 twice; the first is taken, 2026-10-25T02:30:00+02:00: an offset in the date tells which is meant",`+
			`"already past"]`)
}

func TestMoveExecutorThatRuns(t *testing.T) {
	f := newFake(t)
	f.fail["MoveExecutor"] = engine.Errorf(engine.CodeConflict, "it is running")
	do(t, f, sendJSON(http.MethodPut, "/api/1/executors/"+string(execA), `{"type":"date","args":{"date":"2026-12-01"}}`)).
		is(http.StatusConflict).has("msg", `"it is running"`)
}

func TestDeleteExecutor(t *testing.T) {
	target := "/api/1/executors/" + string(execA)
	f := newFake(t)
	do(t, f, call{method: http.MethodDelete, target: target}).is(http.StatusOK).
		equals(`{"msg": "executor ` + string(execA) + ` deleted"}`)
	f.deletion.Done = false
	do(t, f, call{method: http.MethodDelete, target: target + "?abandon_undo=1"}).is(http.StatusAccepted).
		has("_links.status.href", `"`+target+`"`)
	if !f.abandon {
		t.Error("abandon_undo was not passed on")
	}
}

func TestHaltExecutor(t *testing.T) {
	f := newFake(t)
	do(t, f, call{method: http.MethodPost, target: "/api/1/executors/" + string(execB) + "/halt"}).
		is(http.StatusOK).equals(execBDoc)
	do(t, f, sendJSON(http.MethodPost, "/api/1/executors/"+string(execA)+"/halt", `{"reason":"enough"}`)).
		is(http.StatusAccepted).equals(execADoc)
	if f.reason != "enough" {
		t.Errorf("reason %q", f.reason)
	}
}
