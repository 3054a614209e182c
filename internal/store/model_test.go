package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestAgainstTheNaiveStore does the same random things to the store and to the
// naive one, and compares every answer, every list and every page.
func TestAgainstTheNaiveStore(t *testing.T) {
	steps := 250
	if testing.Short() {
		steps = 60
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := &model{
				T: t, path: filepath.Join(t.TempDir(), "cme.db"), want: newNaive(),
				rand: rand.New(rand.NewPCG(seed, 1)),
			}
			m.store = openAt(t, m.path)
			for i := 0; i < steps && !t.Failed(); i++ {
				m.step()
				m.compareLists()
				if i%25 == 0 {
					m.compareRecords()
					check(t, m.store)
				}
			}
			check(t, m.store)
		})
	}
}

type model struct {
	*testing.T
	path  string
	store *Store
	want  *naive
	rand  *rand.Rand
}

func (m *model) step() {
	steps := []func(){
		m.createPlan, m.createPlan, m.createPlan, m.transition, m.transition, m.transition, m.transition,
		m.deleteExecutor, m.deletePlan, m.saveRun, m.appendLog, m.addUndo, m.addUndo, m.addUndo, m.updateUndo,
		m.updateUndo, m.finishRun, m.pruneReceipts, m.pruneHistory, m.reopen, m.setLever,
	}
	steps[m.rand.IntN(len(steps))]()
}

func pick[T any](m *model, from []T) T { return from[m.rand.IntN(len(from))] }

// anyOf returns one of the keys, the same for the same seed, or now and then
// the id of nothing.
func anyOf[ID ~string, V any](m *model, from map[ID]V) ID {
	if len(from) == 0 || m.rand.IntN(20) == 0 {
		return ID(engine.NewPlanID())
	}
	return pick(m, slices.Sorted(maps.Keys(from)))
}

func (m *model) wantCode(what string, err error, want engine.Code) {
	if got := engine.CodeOf(err); got != want {
		m.Errorf("%s: got %q (%v), want %q", what, got, err, want)
	}
}

func (m *model) createPlan() {
	p := planNamed("model")
	p.Attack.Ref = pick(m, []engine.Ref{"a:A", "b:B", "c:C"})
	p.Attack.Doc = fmt.Appendf(nil, `{"ref":%q}`, p.Attack.Ref)
	var executors []engine.Executor
	for range m.rand.IntN(6) {
		state := engine.Scheduled
		if m.rand.IntN(3) == 0 {
			state = pick(m, engine.States)
		}
		executors = append(executors, executorOf(p, state, at(m.rand.IntN(20))))
	}
	var r *engine.Receipt
	if m.rand.IntN(3) == 0 {
		r = &engine.Receipt{Key: fmt.Sprint(m.rand.IntN(9)), Plan: p.ID, Created: at(m.rand.IntN(20))}
	}
	err := m.store.CreatePlan(m.Context(), p, executors, r)
	m.wantCode("CreatePlan", err, m.want.createPlan(p, executors, r))
}

func (m *model) transition() {
	var ids []engine.ExecutorID
	for range m.rand.IntN(4) {
		if id := anyOf(m, m.want.executors); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	state, move, refuse := pick(m, engine.States), m.rand.IntN(4) == 0, m.rand.IntN(8) == 0
	fn := func(e *engine.Executor) error {
		if e.State == state {
			return engine.ErrSkip
		}
		if refuse && e.Due.Second()%2 == 0 {
			return errors.New("refused")
		}
		e.State = state
		if move {
			e.Due = e.Due.Add(3e9)
		}
		return nil
	}
	transition := m.store.Transition
	if m.rand.IntN(2) == 0 {
		transition = m.store.Claim
	}
	got, err := transition(m.Context(), ids, fn)
	want, wantErr := m.want.transition(ids, fn)
	m.wantCode("Transition", err, engine.CodeOf(wantErr))
	wantSame(m.T, "Transition", got, want)
}

func (m *model) deleteExecutor() {
	id := anyOf(m, m.want.executors)
	m.wantCode("DeleteExecutor", m.store.DeleteExecutor(m.Context(), id), m.want.deleteExecutor(id))
}

func (m *model) deletePlan() {
	id := anyOf(m, m.want.plans)
	m.wantCode("DeletePlan", m.store.DeletePlan(m.Context(), id), m.want.deletePlan(id))
}

func (m *model) saveRun() {
	run := engine.Run{Executor: anyOf(m, m.want.executors), PID: m.rand.IntN(99)}
	err := m.store.SaveRun(m.Context(), run, lines("a", "b"))
	if _, ok := m.want.executors[run.Executor]; !ok {
		m.wantCode("SaveRun", err, engine.CodeNotFound)
		return
	}
	m.wantCode("SaveRun", err, "")
	m.want.runs[run.Executor] = run
	m.want.appendLog(run.Executor, lines("a", "b"))
}

func (m *model) appendLog() {
	id := anyOf(m, m.want.executors)
	err := m.store.AppendLog(m.Context(), id, lines("c"))
	if _, ok := m.want.executors[id]; !ok {
		m.wantCode("AppendLog", err, engine.CodeNotFound)
		return
	}
	m.wantCode("AppendLog", err, "")
	m.want.appendLog(id, lines("c"))
}

// alter returns a random change of an undo record.
func (m *model) alter() func(*engine.UndoRecord) {
	state, due, attempts := pick(m, engine.RecordStates), at(m.rand.IntN(20)), m.rand.IntN(9)
	return func(r *engine.UndoRecord) {
		r.State, r.Attempts = state, attempts
		if attempts == 0 {
			r.Record = []byte(`{"changed":true}`)
		}
		if attempts%3 > 0 {
			r.Due = due
		}
	}
}

func (m *model) setLever() {
	l := engine.Lever{Engaged: m.rand.IntN(2) == 0, Reason: fmt.Sprint(m.rand.IntN(9)), At: at(m.rand.IntN(20))}
	m.wantCode("SetLever", m.store.SetLever(m.Context(), l), "")
	m.want.lever = l
}

func (m *model) addUndo() {
	id := anyOf(m, m.want.executors)
	r := recordOf(engine.Executor{ID: id}, m.rand.Uint64N(5))
	r.Record = fmt.Appendf(nil, `{"n":%d}`, m.rand.IntN(99))
	m.alter()(&r)
	limit := m.rand.IntN(30)
	err := m.store.AddUndo(m.Context(), r, limit)
	if _, ok := m.want.executors[id]; !ok {
		m.wantCode("AddUndo", err, engine.CodeNotFound)
		return
	}
	if _, taken := m.want.undos[r.UndoID]; taken {
		m.wantCode("AddUndo", err, engine.CodeConflict)
		return
	}
	if limit > 0 && m.want.undoCounts().Unsettled() >= limit {
		m.wantCode("AddUndo", err, engine.CodeLimited)
		return
	}
	m.wantCode("AddUndo", err, "")
	m.want.putUndo(r)
}

func (m *model) updateUndo() {
	all := m.want.listUndos(func(engine.UndoRecord) bool { return true })
	if len(all) == 0 {
		return
	}
	r := pick(m, all)
	alter := m.alter()
	got, err := m.store.UpdateUndo(m.Context(), r.UndoID, func(r *engine.UndoRecord) error { alter(r); return nil })
	alter(&r)
	m.wantCode("UpdateUndo", err, "")
	wantSame(m.T, "UpdateUndo", got, r)
	m.want.putUndo(r)
}

func (m *model) finishRun() {
	id := anyOf(m, m.want.executors)
	state, refuse := pick(m, engine.States), m.rand.IntN(6) == 0
	f := engine.Finish{
		ID: id, Run: &engine.Run{Executor: id, PID: 1}, Log: lines("end"), Undo: m.alter(),
		Apply: func(e *engine.Executor) error {
			if refuse {
				return errors.New("refused")
			}
			e.State = state
			return nil
		},
	}
	got, err := m.store.FinishRun(m.Context(), f)
	want, code := m.want.finishRun(f)
	m.wantCode("FinishRun", err, code)
	wantSame(m.T, "FinishRun", got.State, want.State)
	wantSame(m.T, "FinishRun", got.Undo, want.Undo)
}

func (m *model) pruneReceipts() {
	before := at(m.rand.IntN(20))
	got, err := m.store.PruneReceipts(m.Context(), before, 0)
	m.wantCode("PruneReceipts", err, "")
	wantSame(m.T, "PruneReceipts", got, m.want.pruneReceipts(before))
}

// pruneHistory has everything deleted that has ended, a few records at a time.
func (m *model) pruneHistory() {
	before := time.Now().Add(time.Hour)
	by := engine.Abandonment{By: "the model", At: utc(before)}
	var gone []engine.PlanID
	for {
		step, err := m.store.PruneHistory(m.Context(), before, 1+m.rand.IntN(4), by)
		m.wantCode("PruneHistory", err, "")
		gone = append(gone, step.Plans...)
		if !step.More || err != nil {
			break
		}
		if m.rand.IntN(4) == 0 {
			m.reopen()
		}
	}
	slices.Sort(gone)
	wantSame(m.T, "PruneHistory", gone, m.want.pruneHistory(before, by))
}

func (m *model) reopen() {
	wantNoError(m, m.store.Close())
	m.store = openAt(m, m.path)
}

// compareLists compares the lists, some of them with random filters.
func (m *model) compareLists() {
	all := m.rand.IntN(2) == 0
	limit := 1 + m.rand.IntN(7)
	var wantPlans []engine.PlanID
	for _, p := range m.want.listPlans(all) {
		wantPlans = append(wantPlans, p.ID)
	}
	wantSame(m.T, "Plans", allPlans(m.T, m.store, engine.PlanQuery{All: all, Limit: limit}), wantPlans)

	q := m.query()
	wantSame(m.T, fmt.Sprintf("Executors %+v", q), allExecutors(m.T, m.store, q), idsOf(m.want.listExecutors(q)))

	until := at(m.rand.IntN(25))
	odd := func(id engine.ExecutorID) bool { return id[31]%2 == 1 }
	due, err := m.store.Due(m.Context(), until, limit, odd)
	m.wantCode("Due", err, "")
	wantSame(m.T, "Due", due, firstOf(m.want.due(until, odd), limit))
	undos, err := m.store.DueUndos(m.Context(), until, limit, odd)
	m.wantCode("DueUndos", err, "")
	wantSame(m.T, "DueUndos", undos, firstOf(m.want.dueUndos(until, odd), limit))
	m.compareUndos(limit)
}

// compareUndos compares the list of undo records in random states, their counts
// and the lever.
func (m *model) compareUndos(limit int) {
	q := engine.UndoQuery{Limit: limit}
	for range m.rand.IntN(4) {
		q.States = append(q.States, pick(m, engine.RecordStates))
	}
	listed := m.want.listUndos(func(r engine.UndoRecord) bool {
		return len(q.States) == 0 || slices.Contains(q.States, r.State)
	})
	wantSame(m.T, fmt.Sprintf("UndoRecords %v", q.States), allUndos(m.T, m.store, q), listed)
	counts, err := m.store.UndoCounts(m.Context())
	m.wantCode("UndoCounts", err, "")
	wantSame(m.T, "UndoCounts", counts, m.want.undoCounts())
	states, err := m.store.ExecutorCounts(m.Context())
	m.wantCode("ExecutorCounts", err, "")
	wantSame(m.T, "ExecutorCounts", states, m.want.executorCounts())
	lever, err := m.store.Lever(m.Context())
	m.wantCode("Lever", err, "")
	wantSame(m.T, "Lever", lever, m.want.lever)
}

func firstOf[T any](list []T, n int) []T { return list[:min(n, len(list))] }

func (m *model) query() engine.ExecutorQuery {
	q := engine.ExecutorQuery{Limit: 1 + m.rand.IntN(9), Newest: m.rand.IntN(2) == 0}
	if m.rand.IntN(3) == 0 {
		q.Plan = anyOf(m, m.want.plans)
	}
	if m.rand.IntN(3) == 0 {
		q.Attack = pick(m, []engine.Ref{"a:A", "b:B"})
	}
	if m.rand.IntN(3) == 0 {
		q.From = at(m.rand.IntN(20))
	}
	if m.rand.IntN(3) == 0 {
		q.To = at(m.rand.IntN(20))
	}
	for range m.rand.IntN(4) {
		q.States = append(q.States, pick(m, engine.States))
	}
	return q
}

// compareRecords compares everything that is stored, one by one.
func (m *model) compareRecords() {
	for id := range m.want.plans {
		got, err := m.store.Plan(m.Context(), id)
		m.wantCode("Plan", err, "")
		want := m.want.plan(id)
		wantSame(m.T, "Plan", got, want)
		wantSame(m.T, "Counts", got.Counts, want.Counts)
		wantSame(m.T, "NextExecution", got.NextExecution, want.NextExecution)
	}
	for id, want := range m.want.executors {
		got, err := m.store.Executor(m.Context(), id)
		m.wantCode("Executor", err, "")
		wantSame(m.T, "Executor", got, want)
		log, err := m.store.Log(m.Context(), id, 0, 0)
		m.wantCode("Log", err, "")
		wantSame(m.T, "Log", log, m.want.logs[id])
		undos, err := m.store.Undos(m.Context(), id)
		m.wantCode("Undos", err, "")
		wantSame(m.T, "Undos", undos, m.want.undosOf(id))
		run, err := m.store.Run(m.Context(), id)
		if wantRun, ok := m.want.runs[id]; ok {
			wantSame(m.T, "Run", run, wantRun)
		} else {
			m.wantCode("Run", err, engine.CodeNotFound)
		}
	}
	for key, want := range m.want.receipts {
		got, err := m.store.Receipt(m.Context(), key)
		m.wantCode("Receipt", err, "")
		wantSame(m.T, "Receipt", got, want)
	}
}
