package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// machine is one that is attacked.
type machine struct {
	*strike
	node   compute.Node
	login  remote.Login
	record record
	err    error // why it can't be attacked
	log    *slog.Logger
	report machineReport

	jobs   jobs
	client *remote.Client
	stored stored // the undo record, from when it is durable
	ended  bool   // the script was running, and was ended
}

// stoppedError is returned for a machine whose attack was stopped with the run.
type stoppedError struct{ cause error }

func (e *stoppedError) Error() string { return e.cause.Error() }

func (e *stoppedError) Unwrap() error { return e.cause }

// attack attacks the machine and reports how that went. Whatever it leaves undone
// is on record.
func (m *machine) attack(ctx context.Context) error {
	err := m.err
	if err == nil {
		err = m.hit(ctx)
	}
	if err == nil {
		m.report.State = stateHit
		return nil
	}
	return m.failed(ctx, err)
}

// longestError bounds the error of a machine in the report, in bytes. What to do
// about it comes last in many.
const longestError = 1000

// failed reports why the machine was not attacked, or not with success.
func (m *machine) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		m.report.State = stateStopped
		m.log.Info("the attack on the machine was stopped", "address", m.report.Address, "reason", err)
		err = &stoppedError{cause: err}
	} else {
		m.report.State = stateFailed
		m.log.Error("the attack on the machine did not succeed", "address", m.report.Address, "error", err)
	}
	m.report.Error = shortened(err.Error(), longestError)
	return fmt.Errorf("%s: %w", m.node.ID, err)
}

// rehearse goes as far as the login, and says what a run would do.
func (m *machine) rehearse(ctx context.Context) error {
	err := m.err
	if err == nil {
		m.client, err = remote.Dial(ctx, m.record.Address, m.login)
	}
	if err != nil {
		return m.failed(ctx, err)
	}
	_ = m.client.Close() // nothing was asked of it
	m.log.Info("dry run: the login works; the script is not run", "address", m.record.Address, "user", m.record.User,
		"script", m.record.Script.Name, "sha256", m.record.Script.SHA256, "bytes", m.record.Script.Bytes,
		"remote_script", m.record.Path, "undo_script", m.args.UndoScript, "sudo", m.args.Sudo)
	return nil
}

// hit connects, puts on record how to take back, installs and runs.
func (m *machine) hit(ctx context.Context) error {
	var err error
	if m.jobs, err = newJobs(m.record, m.args, m.scripts.main.content); err != nil {
		return err
	}
	if m.client, err = remote.Dial(ctx, m.record.Address, m.login); err != nil {
		return err
	}
	defer func() { _ = m.client.Close() }() // what runs there is on record
	if m.stored, err = m.runner.record(ctx, m.record, m.description()); err != nil {
		return err
	}
	if err := m.jobs.install(ctx, m.client); err != nil {
		return m.calledOff(ctx, err)
	}
	m.aim(m, stateRunning)
	m.log.Info("the script is run", "address", m.record.Address, "user", m.record.User, "script", m.record.Script.Name,
		"sha256", m.record.Script.SHA256, "path", m.record.Path, "job", m.record.Job)
	return m.after(ctx, m.execute(ctx))
}

var errTimeout = errors.New("it was ended, because its timeout is over")

// execute runs the script to its end. The error says how it failed.
func (m *machine) execute(ctx context.Context) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if timeout := m.args.timeout(); timeout > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the script ran longer than %s: %w", timeout, errTimeout))
	}
	defer cancel()
	out := newOutput(m.log, m.jobs.hide)
	begun := time.Now()
	exit, err := m.client.Run(limited, m.jobs.main, m.grace/2, out.stdout, out.stderr)
	out.close()
	m.ended = limited.Err() != nil && err != nil && !errors.Is(err, remote.ErrNotStarted)
	m.report.DurationMS = time.Since(begun).Milliseconds()
	m.report.StdoutBytes, m.report.StderrBytes = out.stdout.bytes, out.stderr.bytes
	if err == nil {
		m.report.Status, m.report.Signal = &exit.Status, exit.Signal
		err = failureOf(exit, out.stderr.last)
	}
	return err
}

// after sees to what is left when the script has ended.
func (m *machine) after(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return m.takeBackNow(ctx, err)
	case errors.Is(err, remote.ErrNotStarted):
		return m.calledOff(ctx, err)
	case err != nil && m.jobs.undo != nil:
		m.report.Undo = "open"
		return err // the run has failed, and the plan says whether that is taken back
	case err == nil && m.jobs.undo != nil && m.args.UndoAfter == nil:
		m.report.Undo = "open"
		m.log.Info("the script has succeeded; its effect stays until the run is halted, which runs the undo script")
		return nil
	case err == nil && m.jobs.undo != nil && *m.args.UndoAfter > 0:
		return m.takeBackLater(ctx)
	default:
		return m.takeBackNow(ctx, err)
	}
}
