package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// The variables of the scripts' environment.
const (
	envJob     = "CMED_JOB"      // set by remote: the job's key
	envUndo    = "CMED_UNDO"     // 1 for an undo script
	envUndoJob = "CMED_UNDO_JOB" // what was envJob for the script to take back
)

// jobs are what is run on one machine, or was.
type jobs struct {
	main remote.Job
	undo *remote.Job // nil: there is no undo script
	keep bool        // the script stays on the machine
	hide redaction   // of what the scripts print
}

// newJobs returns the jobs of a record. script is the content of its script, nil
// if that isn't known any more: then the file stays, because nobody can tell
// whether it is the script still.
func newJobs(r record, args scriptArgs, script []byte) (jobs, error) {
	j := jobs{keep: r.Keep, hide: newRedaction(args.SecretEnv), main: remote.Job{
		Key: r.Job, Path: r.Path, Script: script, Args: args.Arguments, Env: args.variables(), Sudo: args.Sudo,
	}}
	if r.Undo == nil {
		return j, nil
	}
	content, err := r.Undo.content()
	if err != nil {
		return j, err
	}
	undo := j.main
	undo.Key, undo.Path, undo.Script = r.Job+"-undo", r.Path+".undo", content
	undo.Env = args.variables()
	undo.Env[envUndo], undo.Env[envUndoJob] = "1", r.Job
	j.undo = &undo
	return j, nil
}

// remains is what taking back has found and done.
type remains struct {
	ended   bool           // something of the script was still running
	undone  bool           // the undo script has run
	removal remote.Removal // of the script
}

// words say it, for people.
func (r remains) words() string {
	words := "nothing was running any more"
	if r.ended {
		words = "what was running was ended"
	}
	if r.undone {
		words += ", the undo script has run"
	}
	switch r.removal {
	case remote.Removed:
		return words + ", the script was removed"
	case remote.Changed:
		return words + ", another file lies at the script's path now and was left alone"
	case remote.Kept:
		return words + ", the script lay there before and was left alone"
	case remote.Shared:
		return words + ", the script stays for another run that has it at the same path"
	default:
		return words
	}
}

// errUndoScript is returned when the undo script did not succeed.
var errUndoScript = errors.New("the undo script did not succeed")

// takeBack ends what is left of the script, with the grace given, runs the undo
// script, and removes both. Done before, wholly or in part, it does the rest. ctx
// should have a deadline.
func (j jobs) takeBack(ctx context.Context, c *remote.Client, grace time.Duration, log *slog.Logger) (remains, error) {
	var r remains
	var err error
	if err := j.endEarlierUndo(ctx, c, grace); err != nil {
		return r, err
	}
	if r.ended, err = c.End(ctx, j.main, grace); err != nil {
		return r, err
	}
	if j.undo != nil {
		if err := j.runUndo(ctx, c, grace, log); err != nil {
			return r, err
		}
		r.undone = true
	}
	r.removal, err = j.remove(ctx, c)
	return r, err
}

// install puts both scripts on the machine, before any of them does anything: what
// keeps the undo script from being there, such as a full disk, is known before
// the harm or doesn't matter after it.
func (j jobs) install(ctx context.Context, c *remote.Client) error {
	if err := c.Install(ctx, j.main); err != nil {
		return fmt.Errorf("install the script: %w", err)
	}
	if j.undo == nil {
		return nil
	}
	if err := c.Install(ctx, *j.undo); err != nil {
		return fmt.Errorf("install the undo script: %w", err)
	}
	return nil
}

// withdraw removes what install has put there.
func (j jobs) withdraw(ctx context.Context, c *remote.Client) error {
	if j.undo != nil {
		if _, err := c.Uninstall(ctx, *j.undo); err != nil {
			return err
		}
	}
	_, err := j.remove(ctx, c)
	return err
}

// endEarlierUndo ends and removes an undo script that an earlier attempt has run.
// One that is only installed stays.
func (j jobs) endEarlierUndo(ctx context.Context, c *remote.Client, grace time.Duration) error {
	if j.undo == nil {
		return nil
	}
	if err := c.Install(ctx, *j.undo); !errors.Is(err, remote.ErrUsed) {
		return nil // what else is wrong is found out when it is run
	}
	if _, err := c.End(ctx, *j.undo, grace); err != nil {
		return fmt.Errorf("an earlier undo script: %w", err)
	}
	_, err := c.Uninstall(ctx, *j.undo)
	return err
}

// remove removes the script, unless it is to stay, and what is on file of it.
func (j jobs) remove(ctx context.Context, c *remote.Client) (remote.Removal, error) {
	if !j.keep {
		return c.Uninstall(ctx, j.main)
	}
	other := j.main
	other.Script = nil // not what lies there, so it is left alone
	_, err := c.Uninstall(ctx, other)
	return "", err
}

// runUndo runs the undo script and removes it, however it ends.
func (j jobs) runUndo(ctx context.Context, c *remote.Client, grace time.Duration, log *slog.Logger) error {
	if err := c.Install(ctx, *j.undo); err != nil {
		return fmt.Errorf("%w: %w", errUndoScript, err)
	}
	// Some of the time is for ending and removing it.
	limited, cancel := withoutLast(ctx, time.Minute)
	defer cancel()
	out := newOutput(log.With("script", "undo"), j.hide)
	exit, err := c.Run(limited, *j.undo, grace, out.stdout, out.stderr)
	out.close()
	if err == nil {
		err = failureOf(exit, out.stderr.last)
	}
	if _, removeErr := c.Uninstall(ctx, *j.undo); err == nil {
		err = removeErr
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUndoScript, err)
	}
	return nil
}

// withoutLast returns a context that ends a while before ctx does, that being a
// quarter of what is left at most.
func withoutLast(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, end.Add(-min(while, time.Until(end)/4)), errLate)
}

var errLate = errors.New("the time for taking back is over")

// output is what a script prints, on its way to the log.
type output struct{ stdout, stderr *lines }

func newOutput(log *slog.Logger, hide redaction) output {
	to := func(stream string) *lines {
		log := log.With("stream", stream)
		return &lines{hide: hide, log: func(line string) { log.Info(line) }}
	}
	return output{stdout: to("stdout"), stderr: to("stderr")}
}

func (o output) close() {
	o.stdout.close()
	o.stderr.close()
}

// failureOf says how a script failed; nil when it didn't.
func failureOf(exit remote.Exit, said string) error {
	words := ""
	if said != "" {
		words = ": " + shortened(said, longestWords)
	}
	switch {
	case exit.Signal != "":
		return fmt.Errorf("the script was ended by SIG%s%s", exit.Signal, words)
	case exit.Status != 0:
		return fmt.Errorf("the script ended with status %d%s", exit.Status, words)
	}
	return nil
}

// longestWords bounds what a script is quoted with, in bytes.
const longestWords = 300

// shortened cuts a text that is longer than so many bytes.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return string(wholeRunes([]byte(text[:limit]))) + "…"
}
