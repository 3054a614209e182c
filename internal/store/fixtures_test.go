package store

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// noon is an instant to count from.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// openStore opens a store that is closed when the test ends, sound.
func openStore(t testing.TB) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "cme.db"))
}

func openAt(t testing.TB, path string, options ...Option) *Store {
	t.Helper()
	s, err := Open(path, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func planNamed(name string) engine.Plan {
	return engine.Plan{
		ID: engine.NewPlanID(), Name: name, Created: noon, Zone: "Europe/Madrid", Timeout: time.Minute,
		Attack:  engine.Config{Ref: "a:A", Doc: json.RawMessage(`{"ref":"a:A","args":{"html":"<b>&"}}`)},
		Planner: engine.Config{Ref: "p:P", Doc: json.RawMessage(`{"ref":"p:P"}`)},
	}
}

func executorOf(p engine.Plan, state engine.State, due time.Time) engine.Executor {
	return engine.Executor{
		ID: engine.NewExecutorID(), PlanID: p.ID, AttackRef: p.Attack.Ref, State: state, Due: due, Lag: -1,
		Undo: engine.UndoNone,
	}
}

// stored stores a plan with one executor for each state given, a second apart
// from noon on.
func stored(t testing.TB, s *Store, states ...engine.State) (engine.Plan, []engine.Executor) {
	t.Helper()
	p := planNamed("a plan")
	executors := make([]engine.Executor, len(states))
	for i, state := range states {
		executors[i] = executorOf(p, state, at(i))
	}
	if err := s.CreatePlan(t.Context(), p, executors, nil); err != nil {
		t.Fatal(err)
	}
	return p, executors
}

func recordOf(e engine.Executor, sequence uint64) engine.UndoRecord {
	return engine.UndoRecord{
		UndoID: engine.UndoID{Executor: e.ID, Sequence: sequence}, Plan: e.PlanID, Ref: e.AttackRef,
		Record: json.RawMessage(`{"node":"n1"}`), Created: noon, State: engine.RecordOpen,
	}
}

func wantCode(t *testing.T, err error, want engine.Code) {
	t.Helper()
	if got := engine.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func wantNoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantSame compares two values as JSON.
func wantSame(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := asJSON(got), asJSON(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v: %v", v, err)
	}
	if string(b) == "null" {
		return "[]" // an empty list, however made
	}
	return string(b)
}

func idsOf(executors []engine.Executor) []engine.ExecutorID {
	ids := make([]engine.ExecutorID, len(executors))
	for i, e := range executors {
		ids[i] = e.ID
	}
	return ids
}

// eventually polls until done or a deadline.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for range 10_000 {
		if done() {
			return
		}
		<-ticker.C
	}
	t.Fatalf("waited in vain until %s", what)
}

func to(state engine.State) func(*engine.Executor) error {
	return func(e *engine.Executor) error { e.State = state; return nil }
}
