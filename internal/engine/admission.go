package engine

import (
	"context"
	"fmt"
	"time"
)

// admission decides, for one pass of the scheduler, which executors may start.
// It is asked in due order and counts those it admits.
type admission struct {
	engine *Engine
	now    time.Time
	// lever says why nothing starts, "" when the lever is not engaged.
	lever string
	// places is how many more runs there may be at once, budget how many may
	// still be started in this hour; negative: any number.
	places, budget int
	// undosFull is set when no more undo records may be open.
	undosFull bool
	// admitted counts those of this pass.
	admitted int
	byRef    map[Ref]int
	byPlan   map[PlanID]int
}

func (e *Engine) newAdmission(ctx context.Context, now time.Time) (*admission, error) {
	limits := e.settings.Limits
	a := &admission{
		engine: e, now: now, lever: e.lever.refuses(),
		places: max(e.settings.MaxConcurrentRuns-e.live.len(), 0), budget: -1,
		byRef: map[Ref]int{}, byPlan: map[PlanID]int{},
	}
	if limits.RunsPerHour > 0 {
		waiting := e.live.waiting() // first: one that begins meanwhile has been counted before
		a.budget = max(limits.RunsPerHour-e.starts.count(now)-waiting, 0)
	}
	if limits.OpenUndos > 0 {
		counts, err := e.store.UndoCounts(ctx)
		if err != nil {
			return nil, err
		}
		a.undosFull = counts.Unsettled() >= limits.OpenUndos
	}
	return a, nil
}

// verdict is what may become of an executor now.
type verdict int

const (
	mayStart verdict = iota
	mustWait         // for a run to end or an undo to be settled
	noPlace          // likewise, and so must all others
	refused          // it is blocked when its time has come
)

// room is how many executors of a ref and plan may be admitted, or are to be
// refused, at most.
func (a *admission) room(ref Ref, plan PlanID) int {
	limits := a.engine.settings.Limits
	if a.lever != "" || a.budget == 0 || limits.Quiet != nil && limits.Quiet.At(a.now) != "" {
		return sweep
	}
	n := a.places
	ofRef, ofPlan := a.engine.live.alive(ref, plan)
	if limits.RunsPerRef > 0 {
		n = min(n, limits.RunsPerRef-ofRef)
	}
	if limits.RunsPerPlan > 0 {
		n = min(n, limits.RunsPerPlan-ofPlan)
	}
	return n
}

// judge says what may become of an executor, and why not if it may not start.
func (a *admission) judge(ex Executor) (verdict, string) {
	limits := a.engine.settings.Limits
	if a.lever != "" {
		return refused, a.lever
	}
	if limits.Quiet != nil {
		if quiet := limits.Quiet.At(maxTime(a.now, ex.Due)); quiet != "" {
			return refused, quietWords(quiet)
		}
	}
	ofRef, ofPlan := a.engine.live.alive(ex.AttackRef, ex.PlanID)
	switch {
	case limits.RunsPerRef > 0 && ofRef+a.byRef[ex.AttackRef] >= limits.RunsPerRef:
		return mustWait, fmt.Sprintf("%s of %s alive, the limit (--max-runs-per-ref)", count(limits.RunsPerRef, "run"), ex.AttackRef)
	case limits.RunsPerPlan > 0 && ofPlan+a.byPlan[ex.PlanID] >= limits.RunsPerPlan:
		return mustWait, fmt.Sprintf("%s of its plan alive, the limit (--max-runs-per-plan)", count(limits.RunsPerPlan, "run"))
	case a.undosFull && a.mayHarm(ex):
		return mustWait, fmt.Sprintf("%s open, the limit (--max-open-undos)", count(limits.OpenUndos, "undo record"))
	case a.budget == 0:
		return refused, fmt.Sprintf("%s started within an hour, the limit (--max-runs-per-hour)", count(limits.RunsPerHour, "run"))
	case a.places == 0:
		return noPlace, fmt.Sprintf("%s alive, the limit (--max-concurrent-runs)", count(a.engine.settings.MaxConcurrentRuns, "run"))
	}
	return mayStart, ""
}

// admit counts an executor as started.
func (a *admission) admit(ex Executor) {
	a.admitted++
	a.places--
	if a.budget > 0 {
		a.budget--
	}
	a.byRef[ex.AttackRef]++
	a.byPlan[ex.PlanID]++
}

// mayHarm says whether the executor's attack may leave something to undo.
func (a *admission) mayHarm(ex Executor) bool {
	offer, err := a.engine.host.Offer(KindAttack, ex.AttackRef)
	return err == nil && offer.CanUndo && !ex.DryRun
}

func quietWords(quiet string) string {
	return "nothing starts in quiet hours (--quiet-hours, --quiet-date): " + quiet
}

// forbids says why, by the operator's rules, the attack may not run at all; ""
// when it may. Dry runs do no harm and are only bound by the lists.
func (l Limits) forbids(attack Descriptor, dryRun, allowIrreversible bool) string {
	if why := l.forbidsRef(attack.Ref, attack.Aliases...); why != "" {
		return why
	}
	if attack.Effect != EffectIrreversible || dryRun {
		return ""
	}
	switch {
	case l.Irreversible == IrreversibleDeny:
		return fmt.Sprintf("%s can't be undone, and this daemon runs no irreversible attacks (--irreversible=deny)", attack.Ref)
	case l.Irreversible == IrreversibleAsk && !allowIrreversible:
		return fmt.Sprintf("%s can't be undone; its plan must say \"allow_irreversible\": true (--irreversible=ask)", attack.Ref)
	}
	return ""
}
