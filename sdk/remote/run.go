package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	drainQuiet = time.Second      // output that pauses so long after the end isn't the script's
	drainMost  = 30 * time.Second // whatever still comes then
)

// Run runs an installed job and blocks until it has ended and its output is
// read, or ctx ends: then its processes are ended (see End) with the grace given,
// and the context's cause returned; over a new connection if this one broke, so
// that may take twice the grace, Login.Timeout and half a minute. An exit status
// that isn't 0 is no error. A job runs once: ErrUsed. If the error is
// ErrNotStarted, the script was not started; if it is ErrLost, it was ended if
// the machine could be reached again, and the error says if not.
//
// Standard input is empty. The writers get each stream's bytes in order, one call
// at a time each, and hold the script up while they block; what their writing
// fails with is returned in the end. Processes that the script left behind go on
// until End; output of theirs is not waited for.
func (c *Client) Run(ctx context.Context, j Job, grace time.Duration, stdout, stderr io.Writer) (Exit, error) {
	if err := j.check(); err != nil {
		return Exit{}, fmt.Errorf("%w: %w", ErrNotStarted, err)
	}
	cmd, err := c.start(ctx, "exec", shell)
	if err != nil {
		return Exit{}, fmt.Errorf("%w: %w", ErrNotStarted, err)
	}
	mark := newMark()
	r := &running{
		client: c, job: j, grace: grace, cmd: cmd,
		stdout: newOutput(mark, stdout), stderr: newOutput(mark, stderr),
	}
	r.copied = c.copyOutput(cmd, r.stdout, r.stderr)
	c.feed(cmd, []byte(j.runProgram(mark)))
	defer func() { _ = cmd.ch.Close() }()
	select {
	case <-cmd.exited:
		return r.exited(ctx)
	case <-ctx.Done():
		return r.stop(ctx)
	}
}

// running is a job under way.
type running struct {
	client         *Client
	job            Job
	grace          time.Duration
	cmd            *command
	stdout, stderr *output
	copied         <-chan struct{} // closed when both streams ended
}

// stop ends the job because ctx ended.
func (r *running) stop(ctx context.Context) (Exit, error) {
	cause := context.Cause(ctx)
	failed := r.client.endSurely(ctx, r.job, r.grace)
	select {
	case <-r.cmd.exited:
	case <-time.After(lastWords):
	}
	_ = r.drain(lastWords)
	var exit Exit
	if r.cmd.told() {
		exit = exitOf(r.cmd.ended.status)
	}
	switch {
	case failed != nil:
		return exit, fmt.Errorf("%w; and %w", cause, failed)
	case r.cmd.told() && !r.started():
		return Exit{}, fmt.Errorf("%w: %w", ErrNotStarted, cause)
	}
	return exit, cause
}

// exited sees to a command that ended, or whose connection did.
func (r *running) exited(ctx context.Context) (Exit, error) {
	ended := r.cmd.ended
	broken := r.drain(drainMost)
	switch {
	case !ended.told || ended.signal != "":
		return Exit{}, r.abandoned(ctx)
	case !r.started():
		return Exit{}, r.refused(ended.status)
	case broken != nil:
		return exitOf(ended.status), fmt.Errorf("write the script's output: %w", broken)
	}
	return exitOf(ended.status), nil
}

// abandoned sees to a job that nobody on the machine waits for any more: the
// connection is gone or the shell that waited was killed.
func (r *running) abandoned(ctx context.Context) error {
	why := fmt.Errorf("the shell that waited for the script was ended by SIG%s", r.cmd.ended.signal)
	if !r.cmd.ended.told {
		why = r.client.orLost(errors.New("the session on the machine was ended by somebody"))
	}
	select {
	case <-r.client.closing:
		return why // what runs on the machine goes on
	default:
	}
	if err := r.client.endSurely(ctx, r.job, r.grace); err != nil {
		return fmt.Errorf("%w; and %w", why, err)
	}
	return fmt.Errorf("%w; the job was ended", why)
}

// drain waits for the rest of the output, at most as long as given, and not for
// streams that have gone quiet. Then the writers are left alone.
func (r *running) drain(most time.Duration) error {
	end := time.NewTimer(most)
	defer end.Stop()
	quiet := time.NewTicker(drainQuiet)
	defer quiet.Stop()
	moved := r.stdout.progress() + r.stderr.progress()
	for waiting := true; waiting; {
		select {
		case <-r.copied:
			waiting = false
		case <-end.C:
			waiting = false
		case <-quiet.C:
			now := r.stdout.progress() + r.stderr.progress()
			waiting = now != moved
			moved = now
		}
	}
	return errors.Join(r.stdout.close(), r.stderr.close())
}

// started reports whether the script was started. Both streams have the mark, but
// a script may be faster than one of them.
func (r *running) started() bool {
	for _, o := range []*output{r.stdout, r.stderr} {
		select {
		case <-o.began:
			return true
		default:
		}
	}
	return false
}

// refusals are what our programs say when they won't start the script.
var refusals = map[string]error{
	"absent":  errors.New("the job is not installed"),
	"missing": errors.New("the script is not at its path any more"),
	"mode":    errors.New("the script can't be executed: the file isn't executable, or its folder is on a file system mounted noexec"),
	"setsid":  errors.New("the machine has none of setsid, perl and python3 to start a session with"),
	"session": errors.New("no session of its own could be made for the script"),
	"state":   errors.New("the job's pid could not be put on file"),
	"ended":   fmt.Errorf("%w: it was ended before it started", ErrUsed),
	"again":   ErrUsed,
}

// refused says why the script was not started.
func (r *running) refused(status int) error {
	word, said := r.stderr.refusal()
	if why, ok := refusals[word]; ok {
		return fmt.Errorf("%w: %w", ErrNotStarted, why)
	}
	_, more := r.stdout.refusal()
	return fmt.Errorf("%w: the machine's shell ended with status %d and said: %s", ErrNotStarted, status, oneLine(said+" "+more))
}

// signals by number, as Linux counts; the classic ones are the same everywhere.
var signals = map[int]string{
	1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL",
	10: "USR1", 11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 24: "XCPU", 25: "XFSZ", 31: "SYS",
}

func exitOf(status int) Exit {
	return Exit{Status: status, Signal: signals[status-128]}
}
