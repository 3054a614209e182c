package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

// outlive starts the daemon again whenever it has died, until everything of the
// round is settled.
func (p *player) outlive(r round) error {
	deadline := time.Now().Add(settleBound)
	again := r.again
	for len(p.found) == 0 {
		if !p.daemon.runs() {
			if err := p.succeed(again, r.reap); err != nil {
				return err
			}
			again = ""
			continue
		}
		settled, open, err := p.look()
		switch {
		case err == nil && settled:
			return nil
		case time.Now().After(deadline):
			p.report(violation, "not settled within %s: %s (%v)", settleBound, open, err)
		}
		select {
		case <-time.After(lookEvery):
		case <-p.daemon.exited:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
	return nil
}

// succeed counts the death of a daemon and starts the next one.
func (p *player) succeed(failpoints string, reap bool) error {
	switch {
	case p.daemon.wasKilled():
		p.deaths++
		p.fate.died = true
	case p.fate.stopped && p.daemon.command.ProcessState.ExitCode() == 0: // as it was told
	default:
		p.report(violation, "the daemon ended by itself: %v; its log ends with %s", p.daemon.command.ProcessState, p.lastWords())
		return nil
	}
	if p.deaths > mostDeaths {
		p.report(violation, "%d daemons died one after the other", p.deaths)
		return nil
	}
	if reap {
		if err := p.reapAll(failpoints); err != nil {
			return err
		}
		failpoints = ""
	}
	return p.start(failpoints)
}

// reapAll runs "cmed reap" without a daemon, and once more if a failpoint kills
// it. Nothing that runs may be left by it, and no harm either, unless it says
// that some waits.
func (p *player) reapAll(failpoints string) error {
	left, err := p.reap(p.ctx, failpoints)
	if errors.Is(err, errReapDied) {
		p.deaths++
		p.notes["cmed reap was killed and run again"]++
		left, err = p.reap(p.ctx, "")
	}
	if err != nil {
		p.report(violation, "%v; the log ends with %s", err, p.lastWords())
		return nil
	}
	if n := p.harms(); n > 0 && !left {
		p.report(lostUndo, "%d harms are in place after cmed reap, which said that nothing is left", n)
	}
	return p.nothingLeft("after cmed reap")
}

// look says whether everything of the round is settled, and what is not. An
// error means that the daemon did not answer.
func (p *player) look() (settled bool, open string, err error) {
	ids, err := p.daemon.client.plans(p.ctx)
	if err != nil {
		return false, "", err
	}
	for name, scripts := range p.plans {
		id, stored := ids[name]
		switch {
		case stored && p.removed[name]:
			return false, "plan " + id + " is being deleted", nil
		case stored:
		case p.accepted[name] && !p.fate.deleted:
			p.report(violation, "plan %s was accepted and is gone", name)
			return false, "", nil
		default:
			continue
		}
		list, err := p.daemon.client.executors(p.ctx, id)
		if err != nil {
			return false, "", err
		}
		if len(list) != len(scripts) && !p.fate.deleted {
			p.report(violation, "plan %s has %d executors and should have %d", id, len(list), len(scripts))
			return false, "", nil
		}
		for _, e := range list {
			if !e.Done || !slices.Contains([]string{"none", "undone", "kept"}, e.Undo) {
				return false, fmt.Sprintf("executor %s is %s (%s), undo %s", e.ID, e.State, e.Reason, e.Undo), nil
			}
		}
	}
	return true, "", nil
}

// check has the model judge what came of the round. The daemon is alive.
func (p *player) check() error {
	if err := p.checkLever(); err != nil {
		return err
	}
	seen, err := readTraces(p.dir)
	if err != nil {
		return err
	}
	ids, err := p.daemon.client.plans(p.ctx)
	if err != nil {
		return err
	}
	for name, scripts := range p.plans {
		if id, stored := ids[name]; stored {
			if err := p.judgePlan(id, scripts, seen); err != nil {
				return err
			}
		}
	}
	for id, w := range seen {
		if _, known := p.settled[id]; !known {
			p.found = append(p.found, judgeGone(id, w)...)
			p.settled[id] = "gone"
			p.executors++
		}
	}
	if n := p.endStrays(); n > 0 {
		p.judgeStrays(n)
	}
	return p.nothingLeft("when all was settled")
}

// judgePlan judges the executors of one plan.
func (p *player) judgePlan(id string, scripts []script.Script, seen traces) error {
	list, err := p.daemon.client.executors(p.ctx, id)
	if err != nil {
		return err
	}
	for _, e := range list {
		number, err := strconv.Atoi(e.Name)
		if err != nil || number >= len(scripts) {
			return fmt.Errorf("executor %s is named %q", e.ID, e.Name)
		}
		s := scripts[number]
		p.found = append(p.found, judge(s, e, seen.of(e.ID), p.fate)...)
		p.settled[e.ID] = e.State
		p.executors++
		if s.Nature == script.Unmarked {
			if err := p.noteConfinement(e.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeStrays judges grandchildren with a cleared environment in a session of
// their own that lived on: without a cgroup nothing tells whose they were.
func (p *player) judgeStrays(n int) {
	if p.confined {
		p.report(leftover, "%d grandchildren with a cleared environment, in spite of cgroups", n)
		return
	}
	p.notes["known limit: a grandchild with a cleared environment in a session of its own lived on, "+
		"which only a cgroup could end"] += n
}

// noteConfinement looks whether a run had a cgroup that can be ended as a whole.
func (p *player) noteConfinement(executor string) error {
	var doc struct {
		Run struct {
			Isolation []string `json:"isolation"`
		} `json:"run"`
	}
	err := p.daemon.client.get(p.ctx, "/executors/"+executor, &doc)
	p.confined = p.confined || slices.Contains(doc.Run.Isolation, "cgroup:kill")
	return err
}

// checkLever wants an engaged lever to have held, and releases it.
func (p *player) checkLever() error {
	if !p.fate.halted {
		return nil
	}
	var lever struct {
		Engaged bool `json:"engaged"`
	}
	if err := p.daemon.client.get(p.ctx, "/halt", &lever); err != nil {
		return err
	}
	if p.latched && !lever.Engaged {
		p.report(violation, "the lever was released by a death")
	}
	a, err := p.daemon.client.call(p.ctx, http.MethodDelete, "/halt", nil, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		p.report(violation, "the release of the lever was answered with %s", a)
	}
	return nil
}

// nothingLeft wants no process, file or socket of a run to be there.
func (p *player) nothingLeft(when string) error {
	found, err := p.leftovers()
	for _, what := range found {
		p.report(leftover, "%s: %s", when, what)
	}
	return err
}

// end ends the daemon in good order.
func (p *player) end() error {
	p.terminate()
	return p.nothingLeft("when the daemon had ended")
}

// final looks at everything a world has been through once more: what an executor
// had come to must not have changed, and nothing may have run since.
func (p *player) final() error { return p.steps(p.startPlainly, p.checkAll, p.end) }

func (p *player) checkAll() error {
	list, err := p.daemon.client.executors(p.ctx, "")
	if err != nil {
		return err
	}
	seen, err := readTraces(p.dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if was, judged := p.settled[e.ID]; judged && was != e.State {
			p.report(violation, "executor %s was %s and is %s (%s) now", e.ID, was, e.State, e.Reason)
		}
	}
	for id, w := range seen {
		if w.runs > 1 {
			p.report(doubleFire, "executor %s ran %d times in the end", id, w.runs)
		}
	}
	return nil
}

// lastWords is the end of what the world's daemons have logged.
func (w *world) lastWords() string {
	const tail = 1500
	text, err := os.ReadFile(w.log())
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text[max(0, len(text)-tail):]))
}
