package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

// torment is one case: what is done, in words, and how a round of it is
// prepared or, where it doesn't follow the usual course, played.
type torment struct {
	name   string
	family string
	// prepare makes a round of the usual course.
	prepare func(c chance) round
	// play plays a round of another course. Only one of both is set.
	play func(p *player) error
}

// round is what is done in the usual course: a plan is posted to a daemon, an
// action follows, and whoever dies is started again until all is settled.
type round struct {
	scripts []script.Script
	// failpoints are those of the daemon that gets the plan; again those of the
	// one that follows when it has died.
	failpoints, again string
	// act is done to the daemon after a time.
	act   action
	after time.Duration
	// reap has "cmed reap" run after each death, before the next start.
	reap bool
	// timeout is the plan's.
	timeout time.Duration
}

// action is what the driver does while the plan runs.
type action int

// The actions.
const (
	actNothing action = iota
	actKill           // SIGKILL the daemon
	actStop           // SIGTERM the daemon
	actHalt           // engage the lever
	actDelete         // delete the plan
)

// cases lists all cases.
func cases() []torment {
	var list []torment
	for _, victim := range script.Victims {
		for _, step := range script.Steps {
			list = append(list, killAt(victim, step))
		}
	}
	for _, name := range failpoint.Names() {
		list = append(list, killDaemonAt(name))
	}
	list = append(list, actions()...)
	list = append(list, misbehaviours()...)
	return append(list, storeCases()...)
}

// chosen lists the cases with a text in their name.
func chosen(text string) []torment {
	var list []torment
	for _, c := range cases() {
		if strings.Contains(c.name, text) {
			list = append(list, c)
		}
	}
	return list
}

// inFlight is how many executors a round has.
const inFlight = 14

// killAt has some runs kill at a step, amid others that are killed anywhere.
func killAt(victim script.Victim, step script.Step) torment {
	return torment{
		name: fmt.Sprintf("%s before %s", victim, step), family: "SIGKILL of " + string(victim),
		prepare: func(c chance) round {
			r := crowd(c, inFlight-3)
			for range 3 {
				r.scripts = append(r.scripts, killing(c, victim, step))
			}
			c.Shuffle(len(r.scripts), func(i, j int) { r.scripts[i], r.scripts[j] = r.scripts[j], r.scripts[i] })
			return r
		},
	}
}

// killing is a script that kills at a step.
func killing(c chance, victim script.Victim, step script.Step) script.Script {
	s := script.Script{
		Kill: victim, At: step, Records: c.upTo(3),
		Hold: sdk.Duration(c.between(0, 300*time.Millisecond)),
	}
	switch step {
	case script.StepHeal, script.StepReport:
		s.End = script.Heal
	case script.StepUndo, script.StepAnswer:
		s.End = script.Fail
	default:
		s.End = pick(c, []script.End{script.Fail, script.Heal, script.Succeed})
	}
	if s.End == script.Succeed {
		s.UndoIn = sdk.Duration(c.between(500*time.Millisecond, 2*time.Second))
	}
	return s
}

// crowd is a round of runs that get themselves killed somewhere, and a few good
// ones.
func crowd(c chance, n int) round {
	r := round{timeout: time.Minute, reap: c.oneIn(3)}
	for range n {
		s := killing(c, script.Plugin, pick(c, script.Steps))
		if c.oneIn(5) {
			s.Kill, s.At = "", ""
		}
		r.scripts = append(r.scripts, s)
	}
	if c.oneIn(4) {
		r.again = recovering(c)
	}
	return r
}

// recovering is a failpoint at which a daemon dies while it takes up what the
// one before it left.
func recovering(c chance) string {
	return pick(c, []string{
		failpoint.EngineReconciled + "=kill",
		fmt.Sprintf("%s=kill@%d", failpoint.StoreCommit, c.upTo(12)),
		fmt.Sprintf("%s=kill@%d", failpoint.StoreCommitted, c.upTo(12)),
		fmt.Sprintf("%s=kill@%d", failpoint.EngineUndoAttempt, c.upTo(3)),
		fmt.Sprintf("%s=kill@%d", failpoint.EngineUndoAnswer, c.upTo(3)),
		fmt.Sprintf("%s=kill@%d", failpoint.EngineUndoDone, c.upTo(3)),
	})
}

// hits is how often a round of the crowd reaches a failpoint, at least; 1 for
// those not listed.
var hits = map[string]int{
	failpoint.StoreCommit: 60, failpoint.StoreCommitted: 60,
	failpoint.HostBeforeStart: inFlight, failpoint.HostAfterStart: inFlight,
	failpoint.HostUndoReceived: inFlight, failpoint.HostUndoStored: inFlight, failpoint.HostUndoAcked: inFlight,
	failpoint.HostFinished: 3, failpoint.HostUndoAnswer: 6,
	failpoint.EngineBegun: inFlight, failpoint.EngineFinish: inFlight, failpoint.EngineFinished: inFlight,
	failpoint.EngineUndoAttempt: 8, failpoint.EngineUndoAnswer: 6, failpoint.EngineUndoDone: 6,
}

// killDaemonAt has the daemon die at a failpoint, the first or a later time that
// it gets there.
func killDaemonAt(name string) torment {
	return torment{name: "daemon at " + name, family: "SIGKILL of daemon at a failpoint", prepare: func(c chance) round {
		r := crowd(c, inFlight)
		r.after = c.between(300*time.Millisecond, 2500*time.Millisecond)
		switch name {
		case failpoint.EngineReconciled:
			r.act, r.again = actKill, name+"=kill"
			return r
		case failpoint.EngineLever, failpoint.EngineLeverStored:
			r.act = actHalt
		case failpoint.EngineDeletion:
			r.act = actDelete
		}
		r.failpoints = fmt.Sprintf("%s=kill@%d", name, c.upTo(max(hits[name], 1)))
		return r
	}}
}

// actions are the cases in which the driver does something at a random instant.
func actions() []torment {
	var list []torment
	for _, what := range []struct {
		name string
		act  action
	}{{"daemon", actKill}, {"SIGTERM", actStop}, {"the lever", actHalt}, {"deletion", actDelete}} {
		list = append(list, torment{
			name: what.name + " at a random instant", family: "at a random instant",
			prepare: func(c chance) round {
				r := crowd(c, inFlight)
				r.act, r.after = what.act, c.between(200*time.Millisecond, 3*time.Second)
				return r
			},
		})
	}
	return list
}

// misbehaviours are the cases of bad plugins. In every other round the daemon
// is killed while they are at it.
func misbehaviours() []torment {
	var list []torment
	for _, nature := range []script.Nature{
		script.Hang, script.Fork, script.DoubleFork, script.Unmarked, script.Flood, script.Memory,
		script.Panic, script.Deaf, script.Cut, script.Garbage, script.Twice, script.Handshake,
	} {
		list = append(list, torment{name: "plugin: " + string(nature), family: "bad plugins", prepare: func(c chance) round {
			return bad(c, script.Script{Nature: nature, Records: 1, End: pick(c, []script.End{script.Fail, script.Heal})})
		}})
	}
	for _, undo := range []script.Undo{
		script.UndoSlow, script.UndoFailed, script.UndoRetry, script.UndoNotMine, script.UndoCrash,
		script.UndoPanic, script.UndoLeaves,
	} {
		list = append(list, torment{name: "undo: " + string(undo), family: "bad undos", prepare: func(c chance) round {
			return bad(c, script.Script{Undo: undo, Records: c.upTo(2), End: script.Fail})
		}})
	}
	return list
}

// bad is a round of a few runs that play a script, and some that are killed.
func bad(c chance, s script.Script) round {
	r := crowd(c, 5)
	r.timeout = 5 * time.Second
	for range 3 {
		r.scripts = append(r.scripts, s)
	}
	if c.oneIn(2) {
		r.act, r.after = actKill, c.between(1300*time.Millisecond, 4*time.Second)
	}
	return r
}

// meantToDie says whether the rounds of a case are to end a daemon: those of a
// failpoint, or of a plugin that kills it.
func meantToDie(name string) bool {
	return strings.HasPrefix(name, "daemon ") || strings.HasPrefix(name, "both ")
}
