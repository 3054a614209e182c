package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// undoTarget is where the record is that undoing gives a fake.
const undoTarget = "/api/1/undos/" + string(execB) + "-1"

// undoing gives the fake one failed record.
func undoing(f *fakeEngine) *fakeEngine {
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	f.undos = map[engine.ExecutorID][]engine.UndoRecord{execB: {{
		UndoID: engine.UndoID{Executor: execB, Sequence: 1}, Plan: planA, Ref: "api_request:ApiRequest", Digest: "abc",
		Record: json.RawMessage(`"top secret"`), Description: "restart i-1", Created: at, UndoAt: at.Add(time.Hour),
		State: engine.RecordFailed, Due: at.Add(time.Minute), Attempts: 10, Outcome: engine.OutcomeRetry, Message: "no route",
		Finished: at,
	}}}
	return f
}

const undoDoc = `{
  "id": "0199aaaa0000700080000000000000e2-1", "executor_id": "0199aaaa0000700080000000000000e2",
  "plan_id": "0199aaaa0000700080000000000000aa", "attack_ref": "api_request:ApiRequest", "state": "failed",
  "description": "restart i-1", "created": "2026-11-21T03:00:00+01:00", "undo_at": "2026-11-21T04:00:00+01:00",
  "next_attempt": "2026-11-21T03:01:00+01:00", "attempts": 10, "outcome": "retry", "message": "no route",
  "finished": "2026-11-21T03:00:00+01:00", "abandoned": null, "digest": "abc",
  "_links": {
    "self": {"href": "/api/1/undos/0199aaaa0000700080000000000000e2-1"},
    "executor": {"href": "/api/1/executors/0199aaaa0000700080000000000000e2"},
    "plan": {"href": "/api/1/plans/0199aaaa0000700080000000000000aa"},
    "retry": {"href": "/api/1/undos/0199aaaa0000700080000000000000e2-1/retry"},
    "abandon": {"href": "/api/1/undos/0199aaaa0000700080000000000000e2-1/abandon"}}}`

func TestUndoRecord(t *testing.T) {
	do(t, undoing(newFake(t)), get(undoTarget)).is(http.StatusOK).equals(undoDoc)
}

func TestUndoRecordsThatAreListed(t *testing.T) {
	tests := []struct {
		name, query string
		want        []engine.RecordState
	}{
		{"by default those not undone", "", notUndone},
		{"all", "all=true", nil},
		{"those of a state", "state=undone", []engine.RecordState{engine.RecordUndone}},
		{"states repeated", "state=open&state=kept", []engine.RecordState{engine.RecordOpen, engine.RecordKept}},
		{"states with commas", "state=open,+kept", []engine.RecordState{engine.RecordOpen, engine.RecordKept}},
		{"a state narrows all", "all=true&state=failed", []engine.RecordState{engine.RecordFailed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := undoing(newFake(t))
			do(t, f, get("/api/1/undos/?"+tt.query)).is(http.StatusOK)
			if !slices.Equal(f.asked.States, tt.want) || (f.asked.States == nil) != (tt.want == nil) {
				t.Errorf("asked for %v, want %v", f.asked.States, tt.want)
			}
		})
	}
}

func TestEveryStateButUndoneIsListed(t *testing.T) {
	for _, state := range engine.RecordStates {
		if got, want := slices.Contains(notUndone, state), state != engine.RecordUndone; got != want {
			t.Errorf("%s is listed by default: %v", state, got)
		}
	}
}

// manyUndos gives the fake n records, of two executors.
func manyUndos(f *fakeEngine, n int) *fakeEngine {
	record := undoing(f).undos[execB][0]
	f.undos = map[engine.ExecutorID][]engine.UndoRecord{}
	for i := range n {
		record.Executor, record.Sequence = execA, uint64(i+1)
		if i >= n/2 {
			record.Executor = execB
		}
		f.undos[record.Executor] = append(f.undos[record.Executor], record)
	}
	return f
}

func TestUndosAreStreamedInChunks(t *testing.T) {
	f := manyUndos(newFake(t), 2*chunk+1)
	list := do(t, f, get("/api/1/undos/")).is(http.StatusOK).at("undos").([]any)
	if len(list) != 2*chunk+1 || !slices.Equal(f.limits, []int{chunk, chunk, chunk}) {
		t.Errorf("%d records, read %v at once", len(list), f.limits)
	}
	do(t, newFake(t), get("/api/1/undos/")).is(http.StatusOK).
		equals(`{"_links": {"self": {"href": "/api/1/undos/"}}, "undos": []}`)
}

func TestPagesOfUndos(t *testing.T) {
	f := manyUndos(newFake(t), 3)
	a := do(t, f, get("/api/1/undos/?state=failed&limit=2")).is(http.StatusOK).
		has("_links.next.href", `"/api/1/undos/?cursor=2&limit=2&state=failed"`)
	if n := len(a.at("undos").([]any)); n != 2 {
		t.Errorf("%d records", n)
	}
	a = do(t, f, get("/api/1/undos/?cursor=2&limit=2&state=failed")).is(http.StatusOK)
	if n := len(a.at("undos").([]any)); n != 1 || a.at("_links").(map[string]any)["next"] != nil {
		t.Errorf("the last page: %s", a.body)
	}
}

func TestRetryUndo(t *testing.T) {
	f := undoing(newFake(t))
	do(t, f, call{method: http.MethodPost, target: undoTarget + "/retry"}).is(http.StatusAccepted).
		has("state", `"open"`).has("attempts", "0").has("_links.self.href", `"`+undoTarget+`"`)
	if !slices.Equal(f.changes, []string{"retry " + string(execB) + "-1"}) {
		t.Errorf("did %v", f.changes)
	}
	f.fail["RetryUndo"] = engine.Errorf(engine.CodeConflict, "it is undone")
	do(t, f, call{method: http.MethodPost, target: undoTarget + "/retry"}).is(http.StatusConflict).has("msg", `"it is undone"`)
}

// What a body calls itself does not keep a record from being settled.
func TestUndosAreSettledWhateverTheContentType(t *testing.T) {
	for _, contentType := range []string{"application/x-www-form-urlencoded", "text/plain", "application/json; charset=latin1", ";;", ""} {
		for action, status := range map[string]int{"retry": http.StatusAccepted, "abandon": http.StatusOK} {
			f := undoing(newFake(t))
			c := call{method: http.MethodPost, target: undoTarget + "/" + action, body: `{"reason":"gone"}`}
			if contentType != "" {
				c = c.with("Content-Type", contentType)
			}
			do(t, f, c).is(status)
			if !slices.Equal(f.changes, []string{action + " " + string(execB) + "-1"}) {
				t.Errorf("%s as %q did %v", action, contentType, f.changes)
			}
		}
	}
}

func TestAbandonUndo(t *testing.T) {
	f := undoing(newFake(t))
	a := do(t, f, abandonUndo(`{"reason":" the host is gone ","by":"ops","resaon":1}`)).is(http.StatusOK)
	a.has("state", `"abandoned"`).has("next_attempt", "null").
		has("abandoned", `{"at":"2026-11-21T03:00:00+01:00","by":"ops","reason":"the host is gone"}`).
		has("_warnings", `["unknown member \"resaon\" is ignored; did you mean \"reason\"?"]`)
	if f.by != "ops" || f.reason != "the host is gone" {
		t.Errorf("by %q: %q", f.by, f.reason)
	}
	a = do(t, f, abandonUndo(`{"reason":"gone"}`)).is(http.StatusOK)
	if f.by != "API client 192.0.2.1" {
		t.Errorf("by %q", f.by)
	}
	if a.doc()["_warnings"] != nil {
		t.Errorf("warnings: %s", a.body)
	}
	f.fail["AbandonUndo"] = engine.Errorf(engine.CodeConflict, "it is being executed")
	do(t, f, abandonUndo(`{"reason":"gone"}`)).is(http.StatusConflict)
}

func TestTheOpaqueRecordIsNeverShown(t *testing.T) {
	f := undoing(newFake(t))
	for _, c := range []call{
		get(undoTarget), get("/api/1/undos/?all=true"), get("/api/1/executors/" + string(execB)),
		{method: http.MethodPost, target: undoTarget + "/retry"},
		abandonUndo(`{"reason":"r"}`),
	} {
		if a := do(t, f, c); strings.Contains(string(a.body), "secret") || !strings.Contains(string(a.body), "restart i-1") {
			t.Errorf("%s %s: %s", c.method, c.target, a.body)
		}
	}
}

// undoStruct is a record's document for encoding/json, against which the
// hand-written encoder is held.
type undoStruct struct {
	ID          string             `json:"id"`
	Executor    engine.ExecutorID  `json:"executor_id"`
	Plan        engine.PlanID      `json:"plan_id"`
	Ref         engine.Ref         `json:"attack_ref"`
	State       engine.RecordState `json:"state"`
	Description string             `json:"description"`
	Created     *string            `json:"created"`
	UndoAt      *string            `json:"undo_at"`
	NextAttempt *string            `json:"next_attempt"`
	Attempts    int                `json:"attempts"`
	Outcome     *engine.Outcome    `json:"outcome"`
	Message     string             `json:"message"`
	Finished    *string            `json:"finished"`
	Abandoned   *abandonedStruct   `json:"abandoned"`
	Digest      string             `json:"digest"`
	Links       undoStructLinks    `json:"_links"`
}

type abandonedStruct struct {
	By     string  `json:"by"`
	Reason string  `json:"reason"`
	At     *string `json:"at"`
}

type undoStructLinks struct {
	Self     link `json:"self"`
	Executor link `json:"executor"`
	Plan     link `json:"plan"`
	Retry    link `json:"retry"`
	Abandon  link `json:"abandon"`
}

func newUndoStruct(u engine.UndoRecord, zone *time.Location) undoStruct {
	self := undosPath + u.String()
	doc := undoStruct{
		ID: u.String(), Executor: u.Executor, Plan: u.Plan, Ref: u.Ref, State: u.State, Description: u.Description,
		Created: showTime(u.Created, zone), UndoAt: showTime(u.UndoAt, zone), NextAttempt: showTime(u.Due, zone),
		Attempts: u.Attempts, Message: u.Message, Finished: showTime(u.Finished, zone), Digest: u.Digest,
		Links: undoStructLinks{
			Self: link{Href: self}, Executor: link{Href: executorHref(u.Executor)}, Plan: link{Href: planHref(u.Plan)},
			Retry: link{Href: self + "/retry"}, Abandon: link{Href: self + "/abandon"},
		},
	}
	if u.Outcome != "" {
		doc.Outcome = &u.Outcome
	}
	if a := u.Abandoned; a != nil {
		doc.Abandoned = &abandonedStruct{By: a.By, Reason: a.Reason, At: showTime(a.At, zone)}
	}
	return doc
}

func checkUndoEncoding(t *testing.T, u engine.UndoRecord, zone *time.Location) {
	t.Helper()
	want, err := encode(newUndoStruct(u, zone))
	if err != nil {
		t.Fatal(err)
	}
	if got := appendUndo(nil, &u, zone, nil); string(got) != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUndosAreEncodedAsEncodingJSONDoes(t *testing.T) {
	checkUndoEncoding(t, engine.UndoRecord{}, time.UTC)
	checkUndoEncoding(t, undoing(newFake(t)).undos[execB][0], madrid(t))
}

func FuzzUndoEncoding(f *testing.F) {
	f.Add("restart <i-1>", "no \"route\"\n\x00\u2028\xff", "ops", "undone", int64(1_800_000_000_123_456), uint64(1), 3)
	f.Add("añadido 日本 🐒", "\\/", "", "", int64(0), uint64(1<<64-1), -1)
	zone := madrid(f)
	f.Fuzz(func(t *testing.T, description, message, by, outcome string, micros int64, sequence uint64, attempts int) {
		at := time.UnixMicro(micros % (200 * 365 * 24 * 3600 * 1e6))
		u := engine.UndoRecord{
			UndoID: engine.UndoID{Executor: execA, Sequence: sequence}, Plan: planA, Ref: engine.Ref(description),
			Description: description, Message: message, Outcome: engine.Outcome(outcome), Created: at, Due: at, Attempts: attempts,
		}
		if by != "" {
			u.State, u.Abandoned = engine.RecordAbandoned, &engine.Abandonment{By: by, Reason: message, At: at}
		}
		checkUndoEncoding(t, u, zone)
	})
}

// FuzzUndoID asks for any record: its id is the one form it is shown in.
func FuzzUndoID(f *testing.F) {
	for _, id := range []string{string(execB) + "-1", nobody + "-01", nobody + "-", "-1", nobody + "-1-1", nobody + "-+1", "%", ""} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r := &http.Request{}
		r.SetPathValue("id", id)
		got, err := undoID(r)
		if err == nil && (got.String() != id || !engine.ValidID(string(got.Executor))) {
			t.Errorf("%q is %v", id, got)
		}
		if err != nil && engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("%q: %v", id, err)
		}
	})
}

// BenchmarkUndoPage encodes a page of 1,000 records by hand and, for the ratio,
// by reflection.
func BenchmarkUndoPage(b *testing.B) {
	f := manyUndos(newFake(b), 1000)
	page := slices.Concat(f.undos[execA], f.undos[execB])
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = appendUndos(buf[:0], page, f.zone)
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		var size int
		for b.Loop() {
			docs := make([]undoStruct, len(page))
			for i, u := range page {
				docs[i] = newUndoStruct(u, f.zone)
			}
			body, err := encode(docs)
			if err != nil {
				b.Fatal(err)
			}
			size = len(body)
		}
		b.SetBytes(int64(size))
	})
}

func TestUndoLinksAreServed(t *testing.T) {
	f := undoing(newFake(t))
	for _, l := range do(t, f, get(undoTarget)).is(http.StatusOK).at("_links").(map[string]any) {
		do(t, f, call{method: http.MethodOptions, target: l.(map[string]any)["href"].(string)}).is(http.StatusNoContent)
	}
}

func TestUndosThatCannotBeRead(t *testing.T) {
	f := undoing(newFake(t))
	f.fail["UndoRecords"] = fmt.Errorf("read: %w", engine.Errorf(engine.CodeUnwritable, "the disk is read-only"))
	do(t, f, get("/api/1/undos/")).is(http.StatusServiceUnavailable)
}
