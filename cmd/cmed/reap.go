package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

const reapLong = `Cleans up after a daemon that died: ends the processes it left, wherever they
are, and executes the undo records that are due, as the next start would.
Nothing is scheduled or started. Give it the options the daemon had.

Exit codes: 0 nothing is left to do, 4 an undo is left open or failed, 1 it failed or
a process can't be ended, 2 wrong flag or configuration, 3 a daemon has the database
or the state folder.`

// reaping is one call of cmed reap.
type reaping struct {
	program
	cfg    *config
	limit  time.Duration
	output *output
}

func newReap(p program) *cobra.Command {
	s := settings{}
	// What was done is shown anyway.
	fewer := settings{optLogLevel: {[]string{"warn"}, "default of --" + optLogLevel}}
	r := &reaping{program: p, output: outputFlag("text")}
	cmd := &cobra.Command{
		Use:   "reap",
		Short: "End and undo what a daemon that died has left",
		Long:  reapLong,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.limit <= 0 {
				return usagef("--timeout: %s is not more than 0", r.limit)
			}
			if r.cfg, err = load(s, p.env, fewer); err != nil {
				return err
			}
			if err := r.cfg.makeAbsolute(); err != nil {
				return err
			}
			return asOwner(r.reap(cmd.Context()))
		},
	}
	addFlags(cmd, s, func(o option) bool { return o.reap })
	addPlannersShorthand(cmd, s)
	cmd.Flags().Lookup(optLogLevel).DefValue = "warn"
	cmd.Flags().DurationVar(&r.limit, "timeout", 5*time.Minute, "how long all of it may take")
	cmd.Flags().VarP(r.output, "output", "o", r.output.usage())
	return cmd
}

// reap settles and tells what was done. The error is without words when that
// says all.
func (r *reaping) reap(ctx context.Context) error {
	if _, err := os.Stat(r.cfg.database); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s: no daemon ever used it (--database-uri)", r.cfg.database)
	}
	fmt.Fprintf(r.stderr, "reaping the database %s and the state folder %s\n", r.cfg.database, r.cfg.stateDir)
	setUmask()
	if err := host.Harden(); err != nil {
		return fmt.Errorf("protect the process: %w", err)
	}
	log := newLogger(r.cfg, r.stderr)
	o, release := takeOrders(ctx, r.signals)
	defer release()
	var done *reaped
	err := o.unlessForced(func() (err error) {
		limit, cancel := context.WithTimeoutCause(o.stop, r.limit, fmt.Errorf("not all was done within %s (--timeout)", r.limit))
		defer cancel()
		done, err = settle(limit, r.cfg, log)
		return err
	})
	if o.force.Err() != nil || done == nil {
		return err
	}
	shown := r.show(done)
	switch {
	case shown != nil:
		return errors.Join(err, shown)
	case err != nil && done.Open+done.Failed > 0:
		return &exitError{exitNotUndone, err}
	case err != nil:
		return err
	case done.Open+done.Failed > 0:
		return &exitError{code: exitNotUndone}
	case len(done.Stuck) > 0:
		return &exitError{code: exitFailure}
	default:
		return nil
	}
}

// asOwner adds to an error about a lack of rights whose they are.
func asOwner(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w\nRun it as the daemon's user", err)
}

// settle does it with parts that are made for it and taken apart again. What it
// returns is nil when it did not come to that.
func settle(ctx context.Context, cfg *config, log hclog.Logger) (done *reaped, err error) {
	s, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	state, err := lockState(cfg.stateDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	h, err := newHost(cfg, s, nil, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	// An undo may need the files beside its plugin; the folders tell where that is.
	if err := h.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the plugin host: %w", err)
	}
	settled, err := engine.New(engineSettings(cfg, log), s, h).Settle(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	later, listErr := undosToCome(context.WithoutCancel(ctx), s)
	return &reaped{settled, later}, errors.Join(err, listErr)
}

// reaped is what was done, and what is not due yet.
type reaped struct {
	engine.Settled
	later undosLeft
}

func (r *reaping) show(done *reaped) error {
	if r.output.forPrograms() {
		return r.output.write(r.stdout, map[string]any{
			"processes": done.Processes, "stuck": append([]engine.ExecutorID{}, done.Stuck...), "lost": done.Lost,
			"undone": done.Undone, "open": done.Open, "failed": done.Failed,
		})
	}
	return writeSettled(r.stdout, done, r.cfg.zone)
}

func writeSettled(w io.Writer, done *reaped, zone *time.Location) error {
	var text strings.Builder
	fmt.Fprintf(&text, "ended: %s that the daemon left\n", processes(done.Processes))
	fmt.Fprintf(&text, "lost: %s cut off by its death\n", count(done.Lost, "run"))
	fmt.Fprintf(&text, "undone: %s\n", count(done.Undone, "record"))
	if now := done.Open - done.later.scheduled; now > 0 {
		fmt.Fprintf(&text, "left open: %s; the next start or cmed reap goes on\n", count(now, "record"))
	}
	if n := done.later.scheduled; n > 0 {
		fmt.Fprintf(&text, "left open: %s, not due until %s; a daemon that runs then undoes it\n",
			count(n, "record"), done.later.span(zone))
	}
	if done.Failed > 0 {
		fmt.Fprintf(&text, "failed: %s; the next start tries again, and cmed undos shows why\n", count(done.Failed, "record"))
	}
	for _, id := range done.Stuck {
		fmt.Fprintf(&text, "stuck: executor %s has a process that can't be ended, or that a cmed which lives runs; its undo waits for that\n", id)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}
