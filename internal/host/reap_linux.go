package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Reap ends processes that an earlier daemon on the same store left, found by
// their mark wherever they are in the process tree, and removes their files.
// They are given Grace to go by themselves: an SDK plugin whose host died is
// undoing. It returns when they are gone.
func (h *Host) Reap(ctx context.Context) error {
	steps := []struct {
		signal unix.Signal // 0: none
		wait   time.Duration
	}{{0, h.cfg.Grace}, {unix.SIGTERM, h.cfg.TermGrace}, {unix.SIGKILL, killBound}}
	if left, err := h.leftovers(); err == nil && len(left) > 0 {
		h.log.Warn("an earlier daemon left processes; they are given time to undo, then ended",
			"processes", len(left), "grace", h.cfg.Grace)
	}
	for _, step := range steps {
		left, err := h.outwait(ctx, step.signal, step.wait)
		if err != nil {
			return err
		}
		if left == 0 {
			return h.clearRunRoot()
		}
	}
	return errors.New("processes of an earlier daemon outlive SIGKILL")
}

// outwait sends the signal to the leftovers, those that appear meanwhile too,
// and waits for them to go. It returns how many are left.
func (h *Host) outwait(ctx context.Context, signal unix.Signal, bound time.Duration) (int, error) {
	deadline := time.Now().Add(bound)
	signalled := map[string]bool{}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		left, err := h.leftovers()
		if err != nil || len(left) == 0 {
			return 0, err
		}
		for _, l := range left {
			if signal != 0 && !signalled[l.id()] {
				signalled[l.id()] = true
				h.log.Warn("ending a leftover process", "pid", l.pid, "run", l.mark, "signal", signal.String())
				l.send(signal)
			}
		}
		if time.Now().After(deadline) {
			return len(left), nil
		}
		select {
		case <-time.After(min(wait, time.Until(deadline)+time.Millisecond)):
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// leftover is a process with a mark of this store that no live call owns.
type leftover struct {
	pid  int
	mark string
}

func (l leftover) id() string { return fmt.Sprint(l.pid, l.mark) }

// send signals the process through a pidfd, after making sure that its number
// still is that of the process that was found (pidfd_open(2)).
func (l leftover) send(signal unix.Signal) {
	fd, err := unix.PidfdOpen(l.pid, 0)
	if err != nil {
		return // it is gone
	}
	defer unix.Close(fd) //nolint:errcheck // nothing is written to it
	if marked(l.pid, l.mark) {
		_ = unix.PidfdSendSignal(fd, signal, nil, 0) // it may be gone
	}
}

// leftovers searches the environment of all processes.
func (h *Host) leftovers() ([]leftover, error) {
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	own := h.live.marks()
	var found []leftover
	for _, pid := range pids {
		mark, ok := markOf(pid)
		if ok && strings.HasPrefix(mark, h.cfg.StoreID+"/") && !own[mark] && pid != os.Getpid() {
			found = append(found, leftover{pid, mark})
		}
	}
	return found, nil
}
