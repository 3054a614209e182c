package byhand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Ending is what came of a run.
type Ending struct {
	Ref     engine.Ref   `json:"ref"`
	Digest  string       `json:"digest"`
	DryRun  bool         `json:"dry_run"`
	Seed    int64        `json:"seed"`
	Outcome engine.State `json:"outcome"`
	// Reason says in words why it is not succeeded.
	Reason   string             `json:"reason,omitempty"`
	Started  time.Time          `json:"started"`
	Finished time.Time          `json:"finished"`
	Result   json.RawMessage    `json:"result"`
	Targets  []engine.Target    `json:"targets"`
	Failure  *engine.Failure    `json:"failure,omitempty"`
	Exit     *engine.ExitStatus `json:"exit,omitempty"`
	Records  []Record           `json:"records"`
	// Left counts the records whose harm may be in place. If there are any, they
	// are kept in Folder, for Undo.
	Left   int    `json:"left"`
	Folder string `json:"folder,omitempty"`
	// Undone is set when what it left was to be undone: then nothing should be
	// left.
	Undone bool `json:"undone"`
}

// Run runs an attack and sees it to its end. The first of interrupts, or the end of
// ctx, stops the run, the second one ends its process by force. What it leaves is
// undone in fresh processes if it did not succeed, or if the call says so; an
// interruption then leaves the rest for later.
//
// An error means that there was no run; CodeInvalid if the caller can mend that.
func (p *Plugin) Run(ctx context.Context, call Call, interrupts <-chan error, to Reporter) (*Ending, error) {
	f := p.folder
	f.account.Config, f.account.Secrets = call.Config, call.Offer.Compiled.Secrets(call.Config.Doc)
	f.account.Ref, f.account.Digest, f.account.Seed = call.Offer.Ref, call.Offer.Digest, call.Seed
	f.account.Executor = engine.NewExecutorID()
	h := p.host
	bound, end := heed(ctx, interrupts, to.Stopping, func() { _ = h.Close() }) // what is wrong with it closeHost tells
	e, err := p.run(bound, call, to)
	end()
	if err != nil || len(f.ledger.reversible()) == 0 {
		return e, err
	}
	e.Undone = e.Outcome != engine.Succeeded || call.TakeBack
	switch {
	case e.stuck():
		to.Warning("its process can't be ended; what it left is not undone while it lives")
		err = f.keep()
	case e.Undone:
		err = p.takeBack(ctx, call.Undoing, interrupts, to)
	default:
		err = f.keep()
	}
	e.Records, e.Left, e.Folder = f.records(), len(f.ledger.reversible()), ""
	if e.Left > 0 {
		e.Folder = f.path
	}
	if err != nil { // the run was, whatever became of its undo
		to.Warning(err.Error())
	}
	return e, nil
}

// stuck says whether the run's process outlived even SIGKILL: nothing may be undone
// as long as it lives.
func (e *Ending) stuck() bool { return e.Exit == nil }

// run is the run itself, without what comes after it.
func (p *Plugin) run(ctx context.Context, call Call, to Reporter) (*Ending, error) {
	o, f := call.Offer, p.folder
	if call.DryRun && !o.CanDryRun {
		return nil, engine.Errorf(engine.CodeInvalid, "%s does not declare a dry run: it would do harm. "+
			"Its author declares one with Info.DryRun", o.Ref)
	}
	if call.TakeBack && !o.CanUndo && !call.DryRun {
		return nil, engine.Errorf(engine.CodeInvalid, "%s has no undo: what it does could not be taken back. It was not run", o.Ref)
	}
	if err := p.check(ctx, o, call.Config, to); err != nil {
		return nil, err
	}
	process, err := p.host.Launch(ctx, o, f.account.Executor)
	if err != nil {
		return nil, err
	}
	f.account.Started = time.Now().UTC()
	if err := f.save(); err != nil {
		process.Discard()
		return nil, fmt.Errorf("keep what the run is, for its undo: %w", err)
	}
	to.Starting(process.PID())
	ctx, cancel := context.WithTimeoutCause(ctx, call.Timeout, &engine.StopReason{
		State: engine.TimedOut, Reason: fmt.Sprintf("it was still running after its timeout of %s", call.Timeout),
	})
	defer cancel()
	s := &sink{folder: f, offer: o, scrub: f.scrubber(), to: to}
	exit := process.Run(ctx, engine.Start{
		Executor: f.account.Executor, PlanName: call.Name, Name: call.Name, Config: call.Config, Seed: call.Seed,
		Due: f.account.Started, Timeout: call.Timeout, Zone: call.Zone, DryRun: call.DryRun,
	}, s)
	if exit.NotStarted {
		return nil, fmt.Errorf("%s was not started: %w", o.Ref, context.Cause(ctx))
	}
	return p.ending(ctx, call, s, exit), nil
}

// check has the attack look at its config, if it can. Only its own refusal is an
// error, as when a plan is made.
func (p *Plugin) check(ctx context.Context, o engine.Offer, c engine.Config, to Reporter) error {
	if !o.CanCheck {
		return nil
	}
	scrub := p.folder.scrubber()
	warnings, err := p.host.Check(ctx, o, c)
	if refused := refusedBy(o.Ref, err, scrub); refused != nil {
		return refused
	}
	if err != nil {
		warnings = []string{"the attack could not " + err.Error()}
	}
	for _, w := range scrub.Warnings(warnings) {
		to.Warning(w)
	}
	return nil
}

// ending puts together what came of the run.
func (p *Plugin) ending(ctx context.Context, call Call, s *sink, exit engine.Exit) *Ending {
	state, reason := engine.EndOf(ctx, exit)
	e := &Ending{
		Ref: call.Offer.Ref, Digest: call.Offer.Digest, DryRun: call.DryRun, Seed: call.Seed,
		Outcome: state, Reason: s.scrub.Text(reason), Started: p.folder.account.Started, Finished: time.Now().UTC(),
		Result: s.run.Result, Targets: append([]engine.Target{}, s.run.Targets...),
		Failure: s.scrub.Failure(exit.Failure), Records: p.folder.records(),
	}
	if !exit.Stuck {
		exit.Status.Stderr = s.scrub.Text(exit.Status.Stderr)
		e.Exit = &exit.Status
	}
	return e
}

// keep leaves what can be undone for later.
func (f *folder) keep() error {
	var errs []error
	for _, sequence := range f.ledger.reversible() {
		_, err := f.ledger.change(sequence, func(u *engine.UndoRecord) {
			u.State, u.Finished = engine.RecordKept, time.Now().UTC()
		})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// takeBack undoes what the run left, in a host of its own: the one of the run may
// have been closed to end it.
func (p *Plugin) takeBack(ctx context.Context, u Undoing, interrupts <-chan error, to Reporter) error {
	closed := p.closeHost()
	ctx = context.WithoutCancel(ctx) // it stopped the run; what that left is undone all the same
	h, err := p.folder.host(ctx, nil)
	if err != nil {
		return errors.Join(closed, err)
	}
	p.host = h
	return errors.Join(closed, p.folder.takeBack(ctx, h, u, interrupts, to))
}
