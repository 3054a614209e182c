package httpapi

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// executorStruct is an executor's document for encoding/json, against which the
// hand-written encoder is held.
type executorStruct struct {
	ID          engine.ExecutorID   `json:"id"`
	PlanID      engine.PlanID       `json:"plan_id"`
	Name        string              `json:"name"`
	NextRunTime *string             `json:"next_run_time"`
	Executed    bool                `json:"executed"`
	State       engine.State        `json:"state"`
	Started     *string             `json:"started"`
	Finished    *string             `json:"finished"`
	LagMillis   *float64            `json:"lag_ms"`
	Reason      string              `json:"reason"`
	Undo        engine.UndoState    `json:"undo"`
	Seed        int64               `json:"seed"`
	DryRun      bool                `json:"dry_run"`
	AttackRef   engine.Ref          `json:"attack_ref"`
	Links       executorStructLinks `json:"_links"`
}

type executorStructLinks struct {
	Self   link `json:"self"`
	Update link `json:"update"`
	Delete link `json:"delete"`
	Plan   link `json:"plan"`
	Log    link `json:"log"`
	Halt   link `json:"halt"`
}

func newExecutorStruct(e engine.Executor, zone *time.Location) executorStruct {
	self := link{Href: executorHref(e.ID)}
	doc := executorStruct{
		ID: e.ID, PlanID: e.PlanID, Name: e.Name, NextRunTime: showTime(e.Due, zone), Executed: e.State.Final(),
		State: e.State, Started: showTime(e.Started, zone), Finished: showTime(e.Finished, zone), Reason: e.Reason,
		Undo: e.Undo, Seed: e.Seed, DryRun: e.DryRun, AttackRef: e.AttackRef,
		Links: executorStructLinks{
			Self: self, Update: self, Delete: self, Plan: link{Href: planHref(e.PlanID)},
			Log: link{Href: self.Href + "/log"}, Halt: link{Href: self.Href + "/halt"},
		},
	}
	if !e.Started.IsZero() && e.Lag >= 0 {
		lag := millis(e.Lag)
		doc.LagMillis = &lag
	}
	return doc
}

func checkExecutorEncoding(t *testing.T, e engine.Executor, zone *time.Location) {
	t.Helper()
	want, err := encode(newExecutorStruct(e, zone))
	if err != nil {
		t.Fatal(err)
	}
	if got := appendExecutor(nil, &e, zone, nil); string(got) != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestExecutorsAreEncodedAsEncodingJSONDoes(t *testing.T) {
	zone := madrid(t)
	for _, e := range newFake(t).executors {
		checkExecutorEncoding(t, e, zone)
	}
	checkExecutorEncoding(t, engine.Executor{}, time.UTC)
	e := newFake(t).executors[0]
	e.DryRun = true
	for _, lag := range []time.Duration{-1, 0, 1, 999, time.Microsecond, time.Millisecond, 90 * time.Minute, 1<<63 - 1} {
		e.Lag = lag
		checkExecutorEncoding(t, e, zone)
	}
}

func FuzzExecutorEncoding(f *testing.F) {
	f.Add("night", "it <failed> & \"broke\"\n\x00\x1f\u2028\u2029\xff", "succeeded", int64(1_800_000_000_123_456), int64(1100), int64(7))
	f.Add("añadido 日本 🐒", "\b\f\r\t\\/", "", int64(0), int64(-1), int64(-1<<63))
	zone := madrid(f)
	f.Fuzz(func(t *testing.T, name, reason, state string, micros, lag, seed int64) {
		at := time.UnixMicro(micros % (200 * 365 * 24 * 3600 * 1e6))
		checkExecutorEncoding(t, engine.Executor{
			ID: execA, PlanID: planA, Name: name, Reason: reason, State: engine.State(state), Due: at, Started: at,
			Lag: time.Duration(lag), Seed: seed, AttackRef: engine.Ref(name),
		}, zone)
	})
}

func FuzzString(f *testing.F) {
	f.Add("plain")
	f.Add("\xed\xa0\x80\u2028\x7f\"")
	f.Fuzz(func(t *testing.T, s string) {
		want, err := encode(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendString(nil, s); string(got) != string(want) || !utf8.Valid(got) {
			t.Errorf("%q became %s, want %s", s, got, want)
		}
	})
}

func TestMoreMembersAreSpliced(t *testing.T) {
	e := engine.Executor{ID: execA}
	for more, want := range map[string]string{`{}`: `null`, `{"msg":"ok"}`: `"ok"`} {
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(appendExecutor(nil, &e, time.UTC, []byte(more)), &doc); err != nil {
			t.Fatalf("%s: %v", more, err)
		}
		if got := doc["msg"]; string(got) != want && (want != "null" || got != nil) {
			t.Errorf("%s gave %s", more, got)
		}
	}
}

// BenchmarkPage encodes a page of 1,000 executors by hand and, for the ratio,
// by reflection.
func BenchmarkPage(b *testing.B) {
	f := newFake(b)
	page := make([]engine.Executor, 1000)
	for i := range page {
		page[i] = f.executors[i%2]
		page[i].ID = engine.ExecutorID(fmt.Sprintf("%032x", i))
	}
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = appendExecutors(buf[:0], page, f.zone)
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		var size int
		for b.Loop() {
			docs := make([]executorStruct, len(page))
			for i, e := range page {
				docs[i] = newExecutorStruct(e, f.zone)
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
