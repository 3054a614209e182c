package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/cgroup"
)

// Reap ends processes that an earlier daemon on the same store left, found by
// their mark wherever they are in the process tree, and removes their files.
// They are given Grace to go by themselves: an SDK plugin whose host died is
// undoing. It returns when they are gone, or when those that are left have
// outlived SIGKILL. It may be called at any time: what live calls own is left
// alone, and so is what another host has started that lives, which is one on a copy
// of the store; the executors of these are in Stuck too.
func (h *Host) Reap(ctx context.Context) (engine.Reaped, error) {
	p := pursuit{host: h, seen: map[string]bool{}, hosts: map[string]bool{}}
	left, err := p.pursue(ctx)
	found := engine.Reaped{Processes: len(p.seen)}
	if err != nil {
		return found, err
	}
	stuck := map[engine.ExecutorID]bool{}
	for _, l := range slices.Concat(left, p.spared) {
		if id, ok := executorOf(l.mark); ok {
			stuck[id] = true
		}
	}
	for _, l := range left {
		h.log.Error("a leftover process outlives SIGKILL", "pid", l.pid, "run", l.mark)
	}
	for _, l := range p.spared {
		h.log.Error("another cmed that lives has the same store, or a copy of it; its process is left alone",
			"pid", l.pid, "run", l.mark, "cmed", l.host)
	}
	found.Stuck = slices.Sorted(maps.Keys(stuck))
	return found, errors.Join(h.clearGroups(), h.clearRunRoot())
}

// pursuit is one search for leftovers and what is done about them.
type pursuit struct {
	host   *Host
	seen   map[string]bool // all that were found, by id
	hosts  map[string]bool // whether a host lives; one that does not is dead for good
	spared []leftover      // of hosts that live, at the last look
}

// pursue climbs from patience to SIGKILL. It returns who is left.
func (p *pursuit) pursue(ctx context.Context) ([]leftover, error) {
	cfg := p.host.cfg
	var left []leftover
	for _, step := range []struct {
		signal unix.Signal // 0: none
		wait   time.Duration
	}{{0, cfg.Grace}, {unix.SIGTERM, cfg.TermGrace}, {unix.SIGKILL, killBound}} {
		var err error
		if left, err = p.outwait(ctx, step.signal, step.wait); err != nil || len(left) == 0 {
			return nil, err
		}
	}
	return left, nil
}

// outwait sends the signal to the leftovers, those that appear meanwhile too,
// and waits for them to go. It returns who is left.
func (p *pursuit) outwait(ctx context.Context, signal unix.Signal, bound time.Duration) ([]leftover, error) {
	deadline := time.Now().Add(bound)
	signalled := map[string]bool{}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		left, err := p.find()
		if err != nil || len(left) == 0 {
			return nil, err
		}
		for _, l := range left {
			if signal != 0 && !signalled[l.id()] {
				signalled[l.id()] = true
				p.host.log.Warn("ending a leftover process", "pid", l.pid, "run", l.mark, "signal", signal.String())
				l.send(signal)
			}
		}
		if time.Now().After(deadline) {
			return left, nil
		}
		select {
		case <-time.After(min(wait, time.Until(deadline)+time.Millisecond)):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// find looks for leftovers and keeps count of them.
func (p *pursuit) find() ([]leftover, error) {
	found, err := p.host.leftovers()
	var left []leftover
	p.spared = nil
	for _, l := range found {
		if p.lives(l.host) {
			p.spared = append(p.spared, l)
		} else {
			left = append(left, l)
		}
	}
	if len(left) > 0 && len(p.seen) == 0 {
		p.host.log.Warn("an earlier daemon left processes; they are given time to undo, then ended",
			"processes", len(left), "grace", p.host.cfg.Grace)
	}
	for _, l := range left {
		p.seen[l.id()] = true
	}
	return left, err
}

// lives remembers which hosts are dead.
func (p *pursuit) lives(host string) bool {
	if living, known := p.hosts[host]; known && !living {
		return false
	}
	p.hosts[host] = lives(host)
	return p.hosts[host]
}

// leftover is a process with a mark of this store that no live call owns.
type leftover struct {
	brand
	pid int
	// group is its cgroup, if that is by what it was found.
	group *cgroup.Group
}

// is says whether the process with this number still is the one that was found.
func (l leftover) is() bool {
	if l.group != nil {
		return l.group.Holds(l.pid)
	}
	b, ok := brandOf(l.pid)
	return ok && b == l.brand
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
	if l.is() {
		_ = unix.PidfdSendSignal(fd, signal, nil, 0) // it may be gone
	}
}

// leftovers searches the environment of all processes, and the cgroups: what
// cleared its environment is still in there.
func (h *Host) leftovers() ([]leftover, error) {
	before := h.live.marks() // a call may end while this searches
	found, err := h.grouped()
	if err != nil {
		return nil, err
	}
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		b, ok := brandOf(pid)
		if ok && strings.HasPrefix(b.mark, h.cfg.StoreID+"/") && pid != os.Getpid() &&
			!slices.ContainsFunc(found, func(l leftover) bool { return l.pid == pid }) {
			found = append(found, leftover{brand: b, pid: pid})
		}
	}
	after := h.live.marks() // and one may have begun
	return slices.DeleteFunc(found, func(l leftover) bool { return before[l.mark] || after[l.mark] }), nil
}

// grouped returns who is in the cgroups of calls; of live ones too.
func (h *Host) grouped() ([]leftover, error) {
	if h.tree == nil {
		return nil, nil
	}
	names, err := h.tree.Groups()
	if err != nil {
		return nil, err
	}
	var found []leftover
	for _, name := range names {
		g := h.tree.Group(name)
		pids, err := g.Processes()
		if err != nil {
			return nil, err
		}
		for _, pid := range pids {
			found = append(found, leftover{brand: h.ofGroup(name), pid: pid, group: g})
		}
	}
	return found, nil
}

// clearGroups removes the cgroups that neither a live call nor another host that
// lives owns; what is still in them is sent SIGKILL once more.
func (h *Host) clearGroups() error {
	if h.tree == nil {
		return nil
	}
	before := h.live.marks()
	names, err := h.tree.Groups()
	if err != nil {
		return err
	}
	after := h.live.marks()
	for _, name := range names {
		if of := h.ofGroup(name); !before[of.mark] && !after[of.mark] && !lives(of.host) {
			_, e := h.tree.Group(name).End()
			err = errors.Join(err, e)
		}
	}
	return err
}
