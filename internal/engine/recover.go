package engine

import (
	"context"
	"fmt"
	"time"
)

// reconcile settles what an earlier daemon on this store left behind: its
// processes are ended first, then every executor that may have run becomes
// lost, and one that certainly did not goes back to scheduled. The undo loop
// then takes up the open records. It returns the executors as it found them.
func (e *Engine) reconcile(ctx context.Context) (interrupted []Executor, err error) {
	if err := e.host.Reap(ctx); err != nil {
		return nil, fmt.Errorf("end the processes an earlier daemon left: %w", err)
	}
	boot := e.settings.Boot()
	query := ExecutorQuery{States: []State{Starting, Running}, Limit: 200}
	for {
		list, _, err := e.store.Executors(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("find interrupted executors: %w", err)
		}
		if len(list) == 0 {
			return interrupted, nil
		}
		interrupted = append(interrupted, list...)
		for _, ex := range list { // each leaves these states, so the query moves on
			if err := e.settleInterrupted(ctx, ex, boot); err != nil {
				return nil, fmt.Errorf("settle interrupted executor %s: %w", ex.ID, err)
			}
		}
	}
}

func (e *Engine) settleInterrupted(ctx context.Context, ex Executor, boot BootTime) error {
	if neverStarted(ex, boot) {
		_, err := e.store.Transition(ctx, []ExecutorID{ex.ID}, func(ex *Executor) error { return backToScheduled(ex) })
		return err
	}
	plan, err := e.store.Plan(ctx, ex.PlanID)
	if err != nil {
		return err
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
		Undo: func(u *UndoRecord) { settle(u, false, plan.UndoPolicy != UndoKeep, now) },
	})
	if err != nil {
		return err
	}
	e.log.Warn("executor lost", "executor", lost.ID, "plan", lost.PlanID, "ref", lost.AttackRef,
		"reason", lost.Reason, "undo", lost.Undo)
	return nil
}

// neverStarted says whether Start certainly did not leave for a claimed
// executor: in the same boot, its due instant is still to come.
func neverStarted(ex Executor, boot BootTime) bool {
	return ex.State == Starting && ex.Claim != nil && boot.ID != "" &&
		ex.Claim.BootID == boot.ID && boot.Elapsed < ex.Claim.DueAt
}

// receiptsKept is how long an idempotency key is remembered.
const receiptsKept = 24 * time.Hour

// tidy deletes what has only a time to live, once an hour, in small steps.
func (e *Engine) tidy() {
	for e.undos.Err() == nil {
		n, err := e.store.PruneReceipts(e.undos, time.Now().Add(-receiptsKept), 500)
		if err != nil && e.undos.Err() == nil {
			e.log.Warn("old idempotency keys could not be deleted", "error", err)
		}
		if n < 500 {
			sleep(e.undos, time.Hour)
		}
	}
}
