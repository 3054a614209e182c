package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
)

// fire takes a claimed executor through its run: launch, wait for the due time,
// start, record the end. Whatever happens, the executor's next state is stored
// before the run stops being live.
func (e *Engine) fire(r *liveRun) {
	defer func() {
		e.live.remove(r)
		e.changed.notify()
		poke(e.wake)
		poke(e.undo)
	}()
	job, err := e.prepare(r)
	if err != nil {
		e.leave(r, failedToStart(err))
		return
	}
	if why := e.settings.Limits.forbids(job.offer.Descriptor, job.plan.DryRun, job.plan.AllowIrreversible); why != "" {
		e.leave(r, markBlocked(why))
		return
	}
	process, err := e.host.Launch(r.ctx, job.offer, r.executor.ID)
	if err != nil {
		e.leave(r, failedToStart(fmt.Errorf("its process could not be started: %w", err)))
		return
	}
	if leave := r.awaitDue(e.settings.Boot); leave != nil {
		process.Discard()
		e.leave(r, leave)
		return
	}
	began, refused := e.takeOff(r)
	if !began {
		process.Discard()
		e.leave(r, refused)
		return
	}
	e.run(r, job, process)
}

// takeOff gives the run the right to start, if nothing speaks against it at the
// last moment. Else it returns what to make of the executor.
func (e *Engine) takeOff(r *liveRun) (began bool, leave func(*Executor) error) {
	now := time.Now()
	e.starts.add(now) // before it is no longer counted as waiting
	began, engaged := e.lever.begin(r)
	quiet := e.quietAt(time.Now())
	if began && quiet == "" {
		_ = failpoint.Hit(failpoint.EngineBegun)
		return true, nil
	}
	e.starts.remove(now)
	switch {
	case began:
		return false, markBlocked(quietWords(quiet))
	case engaged != "":
		return false, markBlocked(engaged)
	default: // called off in the same moment; conclude knows what it wants
		return false, backToScheduled
	}
}

// job is all a run needs besides its process.
type job struct {
	plan   Plan
	offer  Offer
	config Config
	scrub  scrubber
}

// prepare reads the plan and checks that its attack can still be run.
func (e *Engine) prepare(r *liveRun) (job, error) {
	plan, err := e.store.Plan(r.ctx, r.executor.PlanID)
	if err != nil {
		return job{}, fmt.Errorf("read its plan: %w", err)
	}
	config, err := configOf(plan, r.executor)
	if err != nil {
		return job{}, err
	}
	offer, err := e.host.Offer(KindAttack, config.Ref)
	if err != nil {
		return job{}, err
	}
	if problems := problemsOf(offer, config, ""); len(problems) > 0 {
		return job{}, fmt.Errorf("its args no longer fit %s, which was replaced since: %s: %s",
			config.Ref, problems[0].Pointer, problems[0].Message)
	}
	if plan.DryRun && !offer.CanDryRun {
		return job{}, fmt.Errorf("%s was replaced since by a version that can't do a dry run", config.Ref)
	}
	secrets := append(offer.Compiled.Secrets(config.Doc), plan.AttackSecrets...)
	r.update(func(run *Run) { run.Ref, run.Digest = offer.Ref, offer.Digest })
	return job{plan: plan, offer: offer, config: config, scrub: newScrubber(config, secrets)}, nil
}

// configOf returns the attack config of one executor of the plan.
func configOf(p Plan, ex Executor) (Config, error) {
	if ex.Args == nil {
		return p.Attack, nil
	}
	return p.Attack.With(p.Attack.Ref, ex.Args)
}

// awaitDue waits for the due time. It returns nil when the run is to start,
// and else what to make of the executor.
//
// Start must not leave before the instant on the boot clock that the claim
// promises, whatever happens to the wall clock: after a crash that promise tells
// whether it can have left.
func (r *liveRun) awaitDue(boot func() BootTime) func(*Executor) error {
	for {
		now := time.Now()
		wait := r.executor.Due.Sub(now)
		if promise := r.promised(boot()); wait <= 0 && promise > 0 && promise <= lookAhead {
			wait = promise
		}
		switch {
		case -wait > r.executor.MisfireGrace:
			return func(ex *Executor) error {
				markMissed(ex, now.UTC(), "starting its process took too long")
				return nil
			}
		case wait <= 0:
			return nil
		case wait > 2*lookAhead: // the clock was set back
			return backToScheduled
		}
		t := time.NewTimer(min(wait, time.Second))
		select {
		case <-t.C:
		case <-r.off:
			t.Stop()
			return backToScheduled // a call-off says otherwise if it wants to
		}
	}
}

// promised is how long Start must not leave yet by the clock of the boot the
// executor was claimed in; 0 where there is no such clock.
func (r *liveRun) promised(boot BootTime) time.Duration {
	if boot.ID == "" {
		return 0
	}
	return r.executor.Claim.DueAt - boot.Elapsed
}

// run sends Start and sees the run through to its stored end.
func (e *Engine) run(r *liveRun, j job, process Process) {
	ctx, cancel := context.WithTimeoutCause(r.ctx, j.plan.Timeout, &StopReason{
		State: TimedOut, Reason: fmt.Sprintf("it was still running after its timeout of %s", j.plan.Timeout),
	})
	defer cancel()
	r.update(func(run *Run) { run.PID, run.Isolation = process.PID(), process.Isolation() })
	e.log.Info("executor started", "executor", r.executor.ID, "plan", j.plan.ID, "ref", j.config.Ref,
		"pid", process.PID(), "timeout", j.plan.Timeout, "dry_run", j.plan.DryRun)
	sink := &sink{engine: e, run: r, job: j}
	exit := process.Run(ctx, Start{
		Executor: r.executor.ID, Plan: j.plan.ID, PlanName: j.plan.Name, Name: r.executor.Name,
		Config: j.config, Seed: r.executor.Seed, Due: r.executor.Due, Timeout: j.plan.Timeout,
		Zone: j.plan.Zone, DryRun: j.plan.DryRun,
	}, sink)
	sink.writes.Wait()
	if exit.NotStarted {
		e.leave(r, unstarted(stopReason(ctx)))
		return
	}
	r.conclude()
	if exit.Stuck {
		e.holdUndo(r.executor.ID)
	}
	_ = failpoint.Hit(failpoint.EngineFinish)
	exit.Failure = j.scrub.failure(exit.Failure)
	exit.Status.Stderr = j.scrub.text(exit.Status.Stderr)

	state, reason := outcome(exit, stopReason(ctx))
	reason = j.scrub.text(reason)
	r.update(func(run *Run) { run.Failure, run.Exit = exit.Failure, &exit.Status })
	e.finish(r, j, state, reason)
}
