package engine_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// mirror is somebody who knows only what he is told, and checks that it makes
// sense: each state follows from the one before, and nothing is told of what is
// not there.
type mirror struct {
	t         *testing.T
	mu        sync.Mutex
	types     []string
	plans     map[engine.PlanID]bool
	executors map[engine.ExecutorID]engine.Executor
	undos     map[engine.UndoID]engine.UndoRecord
	engaged   bool
}

func newMirror(t *testing.T) *mirror {
	return &mirror{
		t: t, plans: map[engine.PlanID]bool{}, executors: map[engine.ExecutorID]engine.Executor{},
		undos: map[engine.UndoID]engine.UndoRecord{},
	}
}

// follows are the states that may come after one.
var follows = map[engine.State][]engine.State{
	"":               {engine.Starting, engine.Missed, engine.Blocked, engine.Cancelled, engine.Scheduled},
	engine.Scheduled: {engine.Scheduled, engine.Starting, engine.Missed, engine.Blocked, engine.Cancelled},
	engine.Starting: {
		engine.Scheduled, engine.Running, engine.Failed, engine.Lost, engine.Missed, engine.Blocked, engine.Cancelled,
		// A start that could not be noted before the end.
		engine.Succeeded, engine.TimedOut, engine.Halted, engine.Crashed,
	},
	engine.Running:   {engine.Succeeded, engine.Failed, engine.TimedOut, engine.Halted, engine.Crashed, engine.Lost},
	engine.Missed:    {engine.Scheduled, engine.Missed},
	engine.Blocked:   {engine.Scheduled, engine.Missed},
	engine.Cancelled: {engine.Scheduled, engine.Missed},
}

// changed is engine.Settings.Observe.
func (m *mirror) changed(c engine.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.types = append(m.types, c.Type)
	thing, what, _ := strings.Cut(c.Type, ".")
	if c.At.IsZero() {
		m.t.Errorf("%s: no time", c.Type)
	}
	switch thing {
	case "plan":
		m.plans[c.Plan.ID] = what == "created"
		if strings.Contains(string(c.Plan.Attack.Doc)+string(c.Plan.Planner.Doc), "args") || c.Plan.AttackSecrets != nil {
			m.t.Errorf("args are told: %s, %s", c.Plan.Attack.Doc, c.Plan.Planner.Doc)
		}
	case "executor":
		m.executor(what, *c.Executor)
	case "undo":
		m.undo(what, *c.Undo)
	case "lever":
		m.lever(what, *c.Lever)
	default:
		m.t.Errorf("%s is told", c.Type)
	}
}

func (m *mirror) executor(what string, ex engine.Executor) {
	before := m.executors[ex.ID]
	if !m.plans[ex.PlanID] {
		m.t.Errorf("%s %s of a plan that is not there", ex.ID, what)
	}
	if ex.Args != nil || ex.Claim != nil {
		m.t.Errorf("%s %s: %+v", ex.ID, what, ex)
	}
	switch {
	case what == "deleted":
		delete(m.executors, ex.ID)
		return
	case !slices.Contains(follows[before.State], ex.State):
		m.t.Errorf("%s was %s and is %s", ex.ID, before.State, ex.State)
	case what == "moved" && ex.State != engine.Scheduled && ex.State != before.State, what != "moved" && what != string(ex.State):
		m.t.Errorf("%s is %s, told as %s", ex.ID, ex.State, what)
	}
	m.executors[ex.ID] = ex
}

func (m *mirror) undo(what string, u engine.UndoRecord) {
	before, known := m.undos[u.UndoID]
	switch {
	case u.Record != nil:
		m.t.Errorf("the document of %s is told", u.UndoID)
	case what != string(u.State):
		m.t.Errorf("%s is %s, told as %s", u.UndoID, u.State, what)
	case !known && u.State != engine.RecordOpen, known && before.State == engine.RecordUndone:
		m.t.Errorf("%s was %q and is %s", u.UndoID, before.State, u.State)
	case u.Attempts < before.Attempts && u.State != engine.RecordOpen:
		m.t.Errorf("%s: attempt %d after %d", u.UndoID, u.Attempts, before.Attempts)
	}
	m.undos[u.UndoID] = u
}

func (m *mirror) lever(what string, l engine.LeverState) {
	switch what {
	case "engaged", "released":
		if l.Engaged != (what == "engaged") || m.engaged == l.Engaged {
			m.t.Errorf("the lever is %s: %+v", what, l)
		}
		m.engaged = l.Engaged
	case "stopped":
		if !m.engaged || l.Stop == nil || l.Stop.Undone == 0 {
			m.t.Errorf("the lever has stopped everything: %+v, engaged %t", l, m.engaged)
		}
	default:
		m.t.Errorf("lever.%s is told", what)
	}
}

// matches compares what was told of a plan with what is stored.
func (m *mirror) matches(d *daemon, plan engine.PlanID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ex := range d.executors(plan) {
		told, known := m.executors[ex.ID]
		if !known {
			if ex.State != engine.Scheduled && ex.State != engine.Missed { // as it was made
				m.t.Errorf("%s is %s, and nothing was told", ex.ID, ex.State)
			}
			continue
		}
		if told.State != ex.State || !told.Due.Equal(ex.Due) || told.Reason != ex.Reason {
			m.t.Errorf("%s is told as %s (%s), due %s; it is %s (%s), due %s",
				ex.ID, told.State, told.Reason, told.Due, ex.State, ex.Reason, ex.Due)
		}
		records, err := d.file.Undos(d.t.Context(), ex.ID)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, u := range records {
			told := m.undos[u.UndoID]
			if told.State != u.State || told.Attempts != u.Attempts || told.Outcome != u.Outcome || !told.Due.Equal(u.Due) {
				m.t.Errorf("%s is told as %+v; it is %+v", u.UndoID, told, u)
			}
		}
	}
}

// seen returns the types told since it was last called.
func (m *mirror) seen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := m.types
	m.types = nil
	return seen
}
