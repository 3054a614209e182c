package store

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// naive is an engine.Store in the plainest words: maps, and a scan for
// everything. It is what the store is compared with.
type naive struct {
	plans     map[engine.PlanID]engine.Plan
	executors map[engine.ExecutorID]engine.Executor
	runs      map[engine.ExecutorID]engine.Run
	logs      map[engine.ExecutorID][]engine.LogEntry
	undos     map[engine.UndoID]engine.UndoRecord
	receipts  map[string]engine.Receipt
	lever     engine.Lever
}

func newNaive() *naive {
	return &naive{
		plans: map[engine.PlanID]engine.Plan{}, executors: map[engine.ExecutorID]engine.Executor{},
		runs: map[engine.ExecutorID]engine.Run{}, logs: map[engine.ExecutorID][]engine.LogEntry{},
		undos: map[engine.UndoID]engine.UndoRecord{}, receipts: map[string]engine.Receipt{},
	}
}

func (n *naive) createPlan(p engine.Plan, executors []engine.Executor, r *engine.Receipt) engine.Code {
	if r != nil {
		if _, taken := n.receipts[r.Key]; taken {
			return engine.CodeConflict
		}
		n.receipts[r.Key] = *r
	}
	n.plans[p.ID] = p
	for _, e := range executors {
		n.executors[e.ID] = e
	}
	return ""
}

func (n *naive) plan(id engine.PlanID) engine.Plan {
	p := n.plans[id]
	for _, e := range n.executors {
		if e.PlanID != id {
			continue
		}
		p.Counts.Total++
		if !e.State.Final() {
			p.Counts.Pending++
		}
		if e.Undo.Unsettled() {
			p.Counts.Unsettled++
		}
		if e.State == engine.Scheduled && (p.NextExecution.IsZero() || e.Due.Before(p.NextExecution)) {
			p.NextExecution = e.Due
		}
	}
	return p
}

func (n *naive) listPlans(all bool) []engine.Plan {
	var plans []engine.Plan
	for id := range n.plans {
		if p := n.plan(id); all || !p.Counts.Executed() {
			plans = append(plans, p)
		}
	}
	slices.SortFunc(plans, func(a, b engine.Plan) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return plans
}

func (n *naive) listExecutors(q engine.ExecutorQuery) []engine.Executor {
	var list []engine.Executor
	for _, e := range n.executors {
		if q.Plan != "" && e.PlanID != q.Plan || q.Attack != "" && e.AttackRef != q.Attack ||
			len(q.States) > 0 && !slices.Contains(q.States, e.State) ||
			!q.From.IsZero() && e.Due.Before(q.From) || !q.To.IsZero() && !e.Due.Before(q.To) {
			continue
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b engine.Executor) int {
		return cmp.Or(a.Due.Compare(b.Due), strings.Compare(string(a.ID), string(b.ID)))
	})
	if q.Newest {
		slices.Reverse(list)
	}
	return list
}

func (n *naive) due(until time.Time, skip func(engine.ExecutorID) bool) []engine.Executor {
	q := engine.ExecutorQuery{States: []engine.State{engine.Scheduled}, To: until.Add(1)}
	return slices.DeleteFunc(n.listExecutors(q), func(e engine.Executor) bool { return skip(e.ID) })
}

func (n *naive) transition(ids []engine.ExecutorID, fn func(*engine.Executor) error) ([]engine.Executor, error) {
	var changed []engine.Executor
	for _, id := range ids {
		e, ok := n.executors[id]
		if !ok {
			continue
		}
		err := fn(&e)
		if errors.Is(err, engine.ErrSkip) {
			continue
		}
		if err != nil {
			return nil, err
		}
		changed = append(changed, e)
	}
	for _, e := range changed {
		n.executors[e.ID] = e
	}
	return changed, nil
}

func (n *naive) deleteExecutor(id engine.ExecutorID) engine.Code {
	e, ok := n.executors[id]
	if !ok {
		return engine.CodeNotFound
	}
	if e.State == engine.Starting || e.State == engine.Running {
		return engine.CodeConflict
	}
	for _, r := range n.undosOf(id) {
		switch {
		case r.State.Reversible():
			r.State, r.Due = engine.RecordAbandoned, time.Time{}
			n.undos[r.UndoID] = r
		case r.State != engine.RecordAbandoned:
			delete(n.undos, r.UndoID)
		}
	}
	delete(n.executors, id)
	delete(n.runs, id)
	delete(n.logs, id)
	return ""
}

func (n *naive) deletePlan(id engine.PlanID) engine.Code {
	if _, ok := n.plans[id]; !ok {
		return engine.CodeNotFound
	}
	own := n.listExecutors(engine.ExecutorQuery{Plan: id})
	for _, e := range own {
		if e.State == engine.Starting || e.State == engine.Running {
			return engine.CodeConflict
		}
	}
	for _, e := range own {
		n.deleteExecutor(e.ID)
	}
	delete(n.plans, id)
	return ""
}

func (n *naive) appendLog(id engine.ExecutorID, log []engine.LogEntry) {
	for _, entry := range log {
		entry.Seq = 1
		if own := n.logs[id]; len(own) > 0 {
			entry.Seq = own[len(own)-1].Seq + 1
		}
		n.logs[id] = append(n.logs[id], entry)
	}
}

func (n *naive) putUndo(r engine.UndoRecord) {
	n.undos[r.UndoID] = r
	if e, ok := n.executors[r.Executor]; ok {
		e.Undo = engine.UndoStateOf(n.undosOf(e.ID))
		n.executors[e.ID] = e
	}
}

func (n *naive) undosOf(id engine.ExecutorID) []engine.UndoRecord {
	return n.listUndos(func(r engine.UndoRecord) bool { return r.Executor == id })
}

func (n *naive) listUndos(match func(engine.UndoRecord) bool) []engine.UndoRecord {
	var list []engine.UndoRecord
	for _, r := range n.undos {
		if match(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b engine.UndoRecord) int {
		return cmp.Or(strings.Compare(string(a.Executor), string(b.Executor)), cmp.Compare(a.Sequence, b.Sequence))
	})
	return list
}

func (n *naive) undoCounts() engine.UndoCounts {
	counts := engine.UndoCounts{}
	for _, r := range n.undos {
		counts[r.State]++
	}
	return counts
}

func (n *naive) executorCounts() map[engine.State]int {
	counts := map[engine.State]int{}
	for _, e := range n.executors {
		counts[e.State]++
	}
	return counts
}

// pruneHistory deletes all that is executed, and the records of deleted executors
// that were given up before.
func (n *naive) pruneHistory(before time.Time, by engine.Abandonment) (gone []engine.PlanID) {
	for id := range n.plans {
		if !n.plan(id).Counts.Executed() {
			continue
		}
		gone = append(gone, id)
		for _, e := range n.listExecutors(engine.ExecutorQuery{Plan: id}) {
			for _, r := range n.undosOf(e.ID) {
				if r.State.Reversible() {
					r.State, r.Due, r.Abandoned, r.Finished = engine.RecordAbandoned, time.Time{}, &by, by.At
					n.undos[r.UndoID] = r
				}
			}
			n.deleteExecutor(e.ID)
		}
		delete(n.plans, id)
	}
	for _, r := range n.listUndos(func(r engine.UndoRecord) bool { return r.State == engine.RecordAbandoned }) {
		_, lives := n.executors[r.Executor]
		if !lives && (r.Abandoned == nil || r.Abandoned.At.Before(before)) {
			delete(n.undos, r.UndoID)
		}
	}
	slices.Sort(gone)
	return gone
}

func (n *naive) dueUndos(until time.Time, skip func(engine.ExecutorID) bool) []engine.UndoRecord {
	list := n.listUndos(func(r engine.UndoRecord) bool {
		return !r.Due.IsZero() && !r.Due.After(until) && !skip(r.Executor)
	})
	slices.SortFunc(list, func(a, b engine.UndoRecord) int {
		return cmp.Or(a.Due.Compare(b.Due),
			cmp.Or(strings.Compare(string(a.Executor), string(b.Executor)), cmp.Compare(b.Sequence, a.Sequence)))
	})
	return list
}

func (n *naive) finishRun(f engine.Finish) (engine.Executor, engine.Code) {
	e, ok := n.executors[f.ID]
	if !ok {
		return e, engine.CodeNotFound
	}
	if err := f.Apply(&e); err != nil {
		return engine.Executor{}, engine.CodeInternal
	}
	n.executors[f.ID] = e
	for _, r := range n.undosOf(f.ID) {
		if r.State.Unsettled() {
			f.Undo(&r)
			n.putUndo(r)
		}
	}
	n.runs[f.ID] = *f.Run
	n.appendLog(f.ID, f.Log)
	return n.executors[f.ID], ""
}

func (n *naive) pruneReceipts(before time.Time) int {
	pruned := 0
	for key, r := range n.receipts {
		if r.Created.Before(before) {
			delete(n.receipts, key)
			pruned++
		}
	}
	return pruned
}
