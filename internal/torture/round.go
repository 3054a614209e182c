package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

const (
	// lead is from the posting of a plan to its first executor.
	lead = 1300 * time.Millisecond
	// apart is from one executor to the next.
	apart = 10 * time.Millisecond
	// settleBound is how long it may take until all of a round is settled. It
	// has room for slow undos, timeouts and several starts.
	settleBound = 90 * time.Second
	// lookEvery is how often it is looked whether all is settled.
	lookEvery = 40 * time.Millisecond
	// mostDeaths bounds the deaths of a round: each run kills at most once.
	mostDeaths = 40
)

// player plays one round in a world.
type player struct {
	*world
	ctx context.Context // a player lives for one round
	chance
	result
	fate fate
	// plans are those of the round: the scripts of each by the plan's name.
	plans map[string][]script.Script
	// accepted are the plans for whose posting there was a 2xx, removed those for
	// whose deletion.
	accepted, removed map[string]bool
	// latched is set when the lever was engaged durably.
	latched bool
	// confined is set when runs have a cgroup that can be ended as a whole.
	confined bool
	// refusals is set when the store is made to fail: posts may be refused then.
	refusals bool
}

func (p *player) report(k kind, format string, args ...any) {
	p.found = append(p.found, finding{k, fmt.Sprintf(format, args...)})
}

// playRound plays a case and counts the kills.
func (p *player) playRound(c torment) error {
	p.plans = map[string][]script.Script{}
	p.accepted, p.removed = map[string]bool{}, map[string]bool{}
	before := p.pluginKills()
	var err error
	if c.play != nil {
		err = c.play(p)
	} else {
		err = p.usual(c.prepare(p.chance))
	}
	p.kills = p.deaths + p.pluginKills() - before
	return err
}

// pluginKills counts the plugins that killed themselves.
func (p *player) pluginKills() int {
	n := 0
	for _, line := range lines(script.Kills(p.dir)) {
		if !strings.HasSuffix(line, " "+string(script.Daemon)) {
			n++
		}
	}
	return n
}

// steps takes one step after the other, until one fails or a promise is broken.
func (p *player) steps(list ...func() error) error {
	for _, step := range list {
		if err := step(); err != nil || len(p.found) > 0 {
			return err
		}
	}
	return nil
}

// usual plays a round of the usual course.
func (p *player) usual(r round) error {
	p.refusals = strings.Contains(r.failpoints, "=error(")
	return p.steps(
		func() error { return p.start(r.failpoints) },
		func() error {
			if p.daemon.runs() {
				p.post(r)
				p.act(r)
			}
			return nil
		},
		func() error { return p.conclude(r) },
	)
}

// conclude waits until all is settled, has it judged and ends the daemon.
func (p *player) conclude(r round) error {
	return p.steps(func() error { return p.outlive(r) }, p.check, p.end)
}

// startPlainly starts a daemon without failpoints.
func (p *player) startPlainly() error { return p.start("") }

// start launches a daemon, which may be killed by a failpoint before it is
// ready.
func (p *player) start(failpoints string) error {
	err := p.launch(p.ctx, failpoints)
	if errors.Is(err, errDied) && p.daemon.wasKilled() {
		return nil
	}
	if err == nil {
		return p.await("the plugins to be served", func() bool { return !p.daemon.runs() || p.served() == pluginCount })
	}
	if errors.Is(err, errDied) {
		p.report(violation, "the daemon ended at its start: %v; its log ends with %s", p.daemon.command.ProcessState, p.lastWords())
		return nil
	}
	return err
}

// pluginCount is how many plugins a world has.
const pluginCount = 4

// served counts the plugins that can be used. Those of a new world take their
// time when the machine is busy.
func (p *player) served() int {
	n := 0
	for _, list := range []string{"attacks", "planners"} {
		var offers map[string]json.RawMessage
		var refs []json.RawMessage
		if err := p.daemon.client.get(p.ctx, "/"+list+"/", &offers); err != nil || json.Unmarshal(offers[list], &refs) != nil {
			return 0
		}
		n += len(refs)
	}
	return n
}

// post posts a plan for each ref that the scripts need. When the daemon dies
// over it there is no answer.
func (p *player) post(r round) {
	byRef := map[string][]script.Script{}
	for _, s := range r.scripts {
		s.Dir = p.dir
		byRef[s.Nature.Ref()] = append(byRef[s.Nature.Ref()], s)
	}
	due := time.Now().Add(lead)
	for _, ref := range slices.Sorted(maps.Keys(byRef)) {
		p.serial++
		name := strconv.Itoa(p.serial)
		p.plans[name] = byRef[ref]
		a, err := p.daemon.client.call(p.ctx, http.MethodPost, "/plans/",
			planBody(name, ref, byRef[ref], due, apart, r.timeout), nil)
		switch {
		case err != nil: // it died
		case a.status != http.StatusOK && !p.refusals:
			p.report(violation, "a plan was answered with %s", a)
		case a.status == http.StatusOK:
			p.accepted[name] = true
		}
	}
}

// act waits and does what the round does to the daemon, unless it dies before.
func (p *player) act(r round) {
	if r.act == actNothing {
		return
	}
	select {
	case <-time.After(r.after):
	case <-p.daemon.exited:
		return
	case <-p.ctx.Done():
		return
	}
	switch r.act {
	case actKill:
		_ = p.daemon.kill() // it may have died
	case actStop:
		p.fate.stopped = true
		p.terminate()
	case actHalt:
		p.halt()
	case actDelete:
		p.deletePlans()
	}
}

// terminate tells the daemon to end, which must end well unless it is killed.
func (p *player) terminate() {
	code, err := p.daemon.stop()
	switch {
	case err != nil:
		p.report(violation, "%v", err)
	case code != 0 && !p.daemon.wasKilled():
		p.report(violation, "the daemon ended with exit code %d when it was told to end; its log ends with %s", code, p.lastWords())
	}
}

// halt engages the lever. Once that is answered as durable no death may release
// it.
func (p *player) halt() {
	p.fate.halted = true
	var lever struct {
		Engaged bool `json:"engaged"`
		Durable bool `json:"durable"`
	}
	a, err := p.daemon.client.call(p.ctx, http.MethodPut, "/halt", map[string]string{"reason": "torture"}, &lever)
	if err != nil {
		return // it died
	}
	if a.status != http.StatusOK || !lever.Engaged || !lever.Durable {
		p.report(violation, "the lever was answered with %s", a)
		return
	}
	p.latched = true
}

// deletePlans deletes the plans of the round.
func (p *player) deletePlans() {
	p.fate.deleted = true
	ids, err := p.daemon.client.plans(p.ctx)
	if err != nil {
		return // it died
	}
	for name := range p.plans {
		a, err := p.daemon.client.call(p.ctx, http.MethodDelete, "/plans/"+ids[name], nil, nil)
		if err != nil {
			return // it died
		}
		switch a.status {
		case http.StatusOK, http.StatusAccepted:
			p.removed[name] = true
		case http.StatusConflict: // an undo is open
		default:
			p.report(violation, "a deletion was answered with %s", a)
		}
	}
}
