package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// leftBehind is what an earlier daemon on this store left.
type leftBehind struct {
	reaped Reaped
	// interrupted are the executors that it had claimed, as they were found.
	interrupted []Executor
	lost        int // of them, those that may have run
}

// reconcile settles what an earlier daemon left behind: its processes are ended
// first, then every executor that may have run becomes lost, and one that
// certainly did not goes back to scheduled. The undo loop then takes up the open
// records, but for those whose process can't be ended.
func (e *Engine) reconcile(ctx context.Context) (left leftBehind, err error) {
	left.reaped, err = e.host.Reap(ctx)
	if err != nil {
		return left, fmt.Errorf("end the processes an earlier daemon left: %w", err)
	}
	for _, id := range left.reaped.Stuck {
		e.holdUndo(id)
	}
	stored, err := e.store.Lever(ctx)
	if err != nil {
		return left, fmt.Errorf("read the lever: %w", err)
	}
	// Nothing began while it was engaged, so what is interrupted had been told to
	// stop, and was to be undone whatever its plan says.
	halted := stored.Engaged && !stored.Restored || e.lever.halts()
	boot := e.settings.Boot()
	query := ExecutorQuery{States: []State{Starting, Running}, Limit: 200}
	for {
		list, _, err := e.store.Executors(ctx, query)
		if err != nil {
			return left, fmt.Errorf("find interrupted executors: %w", err)
		}
		if len(list) == 0 {
			_ = failpoint.Hit(failpoint.EngineReconciled)
			return left, nil
		}
		left.interrupted = append(left.interrupted, list...)
		for _, ex := range list { // each leaves these states, so the query moves on
			lost, err := e.settleInterrupted(ctx, ex, boot, halted)
			if err != nil {
				return left, fmt.Errorf("settle interrupted executor %s: %w", ex.ID, err)
			}
			if lost {
				left.lost++
			}
		}
	}
}

// settleInterrupted says whether the executor is lost. halted tells that it had
// been halted by the lever.
func (e *Engine) settleInterrupted(ctx context.Context, ex Executor, boot BootTime, halted bool) (bool, error) {
	if neverStarted(ex, boot) {
		_, err := e.store.Transition(ctx, []ExecutorID{ex.ID}, backToScheduled)
		return false, err
	}
	plan, err := e.store.Plan(ctx, ex.PlanID)
	if err != nil {
		return false, err
	}
	now := time.Now().UTC()
	lost, err := e.store.FinishRun(ctx, Finish{
		ID: ex.ID,
		Apply: func(ex *Executor) error {
			reason := "the daemon died while it ran"
			if ex.State == Starting {
				reason = "the daemon died when it was about to run; it may have run"
				ex.Started, ex.Lag = ex.Due, -1
			}
			ex.State, ex.Reason, ex.Finished, ex.Claim = Lost, reason, now, nil
			return nil
		},
		Undo: func(u *UndoRecord) { settle(u, false, halted || ex.Halted || plan.UndoPolicy != UndoKeep, now) },
	})
	if err != nil {
		return false, err
	}
	e.log.Warn("executor lost", "executor", lost.ID, "plan", lost.PlanID, "ref", lost.AttackRef,
		"reason", lost.Reason, "undo", lost.Undo)
	return true, nil
}

// stuckRetry is how often it is tried again to end a process that outlived
// SIGKILL, which waits in the kernel, for a disk that does not answer; or how often
// one is looked for that belongs to another daemon.
const stuckRetry = 30 * time.Second

// holdUndo keeps a run's records from being executed until its process, which
// could not or must not be ended, is gone.
func (e *Engine) holdUndo(id ExecutorID) {
	e.stuck.add(id)
	e.log.Error("a process of a run lives on; its undo waits until that is gone", "executor", id)
	poke(e.stuckFound)
}

// endStuck tries to end what could not be ended, and lets the undo begin when it
// is gone.
func (e *Engine) endStuck() {
	for e.undos.Err() == nil {
		if e.stuck.len() == 0 {
			sleep(e.undos, -1, e.stuckFound)
			continue
		}
		sleep(e.undos, stuckRetry)
		waiting := e.stuck.list()
		reaped, err := e.host.Reap(e.undos)
		if err != nil {
			if e.undos.Err() == nil {
				e.log.Error("processes that live on could not be looked for", "error", err)
			}
			continue
		}
		for _, id := range waiting {
			if !slices.Contains(reaped.Stuck, id) {
				e.stuck.remove(id)
				e.log.Info("a process that lived on is gone", "executor", id)
			}
		}
		poke(e.undo)
	}
}

// neverStarted says whether Start certainly did not leave for a claimed
// executor: in the same boot, its due instant is still to come.
func neverStarted(ex Executor, boot BootTime) bool {
	return ex.State == Starting && ex.Claim != nil && boot.ID != "" &&
		ex.Claim.BootID == boot.ID && boot.Elapsed < ex.Claim.DueAt
}
