package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	killTime   = 5 * time.Second // stop.sh's own: how long it tries to kill
	endMargin  = killTime + 10*time.Second
	largeGrace = 24 * time.Hour // what a shell's arithmetic surely takes
)

// End ends the job's processes: SIGTERM, after the grace SIGKILL, and returns
// when none is left. It reports whether there was any. A group whose number now
// belongs to somebody else, or that ran before the machine was started anew, is
// left alone.
//
// A job that is installed but hasn't started yet never will: whatever part of
// Run is still on its way to the machine finds the job ended. What another user
// runs can't be ended without Sudo; the error names what is left.
func (c *Client) End(ctx context.Context, j Job, grace time.Duration) (ended bool, err error) {
	if err := j.check(); err != nil {
		return false, err
	}
	grace = min(max(grace, 0), largeGrace)
	ctx, cancel := context.WithTimeoutCause(ctx, grace+endMargin, errors.New("the machine didn't answer in time"))
	defer cancel()
	vars := append(j.common(""), variable{"grace", strconv.FormatInt(grace.Milliseconds()/10, 10)})
	stop := variable{"stop", program(vars, "process", "stop")}
	said, err := c.ask(ctx, j, []variable{stop}, "folder", "end")
	if err != nil {
		return false, fmt.Errorf("end the job: %w", err)
	}
	said = strings.TrimSpace(said)
	switch {
	case said == "none":
		return false, nil
	case said == "ended":
		return true, nil
	case said == "open":
		return false, errors.New("end the job: its folder on the machine can't be written, so a start under way could not be ruled out")
	case strings.HasPrefix(said, "left "):
		return true, fmt.Errorf("end the job: processes that can't be ended are left: %s", strings.TrimPrefix(said, "left "))
	}
	return false, fmt.Errorf("end the job: the machine's answer is not understood: %q", said)
}

// endSurely ends the job over this connection or, if that fails, over a new one.
// It is for the end of a run: its bounds are its own.
func (c *Client) endSurely(ctx context.Context, j Job, grace time.Duration) error {
	ctx = context.WithoutCancel(ctx)
	_, first := c.End(ctx, j, grace)
	if first == nil {
		return nil
	}
	again, err := Dial(ctx, c.addr, c.login)
	if err != nil {
		return errors.Join(first, err)
	}
	defer func() { _ = again.Close() }()
	_, err = again.End(ctx, j, grace)
	return err
}
