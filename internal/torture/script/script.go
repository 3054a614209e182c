// Package script is what the torture's driver and its plugins agree on: the
// script that tells one run how to behave, and the files in which the plugins
// leave the traces that the driver judges by.
//
// The traces are files of the plugins' own, written durably before anything
// else happens, so that no store can lie about them.
package script

import (
	"path/filepath"
	"strconv"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// The refs that the plugins offer.
const (
	// Attack is built with the SDK.
	Attack = "torture:Attack"
	// Raw speaks the protocol without the SDK.
	Raw = "torture:Raw"
	// Babble writes garbage where its handshake should be.
	Babble = "torture:Babble"
	// Planner plans a list of scripts.
	Planner = "torture:Planner"
)

// The file names under which one binary plays the plugins.
const (
	AttackFile  = "torturer"
	RawFile     = "torturer-raw"
	BabbleFile  = "torturer-babble"
	PlannerFile = "torturer-planner"
)

// Script tells one run how to behave.
type Script struct {
	// Dir is the world's folder, where the traces are.
	Dir string `json:"dir"`
	// Kill says who is sent SIGKILL, and At before which step; both empty: nobody.
	Kill Victim `json:"kill,omitempty"`
	At   Step   `json:"at,omitempty"`
	// Records is how many harms are done, each with an undo record.
	Records int `json:"records,omitempty"`
	// End is how the run ends when nothing ends it before.
	End End `json:"end,omitempty"`
	// Hold is how long the harm is held.
	Hold sdk.Duration `json:"hold,omitempty"`
	// UndoIn is when the host takes the harm back by itself.
	UndoIn sdk.Duration `json:"undo_in,omitempty"`
	// Nature is how the run misbehaves, Undo how its undo does.
	Nature Nature `json:"nature,omitempty"`
	Undo   Undo   `json:"undo,omitempty"`
}

// Victim is who is killed.
type Victim string

// The victims.
const (
	Plugin Victim = "plugin"
	Daemon Victim = "daemon"
	Both   Victim = "both"
)

// Victims lists them.
var Victims = []Victim{Plugin, Daemon, Both}

// Step is a moment in a plugin's life: what comes next.
type Step string

// The steps of a run, and of an undo in a fresh process.
const (
	StepRecord Step = "record" // the undo record is sent
	StepHarm   Step = "harm"   // it is acknowledged; the harm is done
	StepNext   Step = "next"   // the harm is done
	StepHeal   Step = "heal"   // the run takes its harm back
	StepReport Step = "report" // it tells the host so
	StepFinish Step = "finish" // the attack returns
	StepUndo   Step = "undo"   // a fresh process takes the harm back
	StepAnswer Step = "answer" // it tells the host so
)

// Steps lists them.
var Steps = []Step{
	StepRecord, StepHarm, StepNext, StepHeal, StepReport, StepFinish, StepUndo, StepAnswer,
}

// InUndo says whether the step is one of an undo in a fresh process.
func (s Step) InUndo() bool { return s == StepUndo || s == StepAnswer }

// End is how a run ends by itself.
type End string

// The ends.
const (
	Fail    End = "fail"    // it fails, and the host undoes it
	Heal    End = "heal"    // it takes its harm back and succeeds
	Succeed End = "succeed" // it succeeds, and UndoIn undoes it
)

// Nature is how a run misbehaves.
type Nature string

// The natures.
const (
	Good       Nature = ""
	Hang       Nature = "hang"        // never returns, whatever it is told
	Fork       Nature = "fork"        // leaves a child
	DoubleFork Nature = "double fork" // leaves a grandchild in its own session
	Unmarked   Nature = "unmarked"    // likewise, with a cleared environment
	Flood      Nature = "flood"       // floods stdout, stderr and its log
	Memory     Nature = "memory"      // eats memory, up to a bound
	Panic      Nature = "panic"       // panics
	Deaf       Nature = "deaf"        // no SDK; ignores stop, lifeline and signals
	Cut        Nature = "cut"         // exits in the middle of a message
	Garbage    Nature = "garbage"     // sends bytes that are no message
	Twice      Nature = "twice"       // sends its result and its end twice
	Handshake  Nature = "handshake"   // sends garbage for a handshake
)

// Ref is the attack that can play this nature.
func (n Nature) Ref() string {
	switch n {
	case Deaf, Cut, Garbage, Twice:
		return Raw
	case Handshake:
		return Babble
	default:
		return Attack
	}
}

// Undo is how an undo misbehaves at its first attempt. Later ones are good.
type Undo string

// The ways to undo.
const (
	UndoGood    Undo = ""
	UndoSlow    Undo = "slow"     // takes longer than its timeout
	UndoFailed  Undo = "failed"   // answers that it failed
	UndoRetry   Undo = "retry"    // asks for another try
	UndoNotMine Undo = "not mine" // finds that the effect is somebody else's
	UndoCrash   Undo = "crash"    // dies without an answer
	UndoPanic   Undo = "panic"    // panics
	UndoLeaves  Undo = "leaves"   // leaves a grandchild in its own session
)

// Runs is the file with a line for each time an attack ran: the executor's id.
func Runs(dir string) string { return filepath.Join(dir, "runs") }

// Undos is the file with a line for each harm that an undo really removed: the
// executor's id and the record's sequence.
func Undos(dir string) string { return filepath.Join(dir, "undos") }

// Early is the file with a line for each undo that found the run still alive.
func Early(dir string) string { return filepath.Join(dir, "early") }

// Kills is the file with a line for each kill that a plugin is about to make:
// executor, step and victim.
func Kills(dir string) string { return filepath.Join(dir, "kills") }

// Strays is the file with the process ids of children with a cleared
// environment.
func Strays(dir string) string { return filepath.Join(dir, "strays") }

// DaemonPID is the file with the daemon's process id.
func DaemonPID(dir string) string { return filepath.Join(dir, "daemon.pid") }

// Harm is the file that is the harm of one record.
func Harm(dir, executor string, sequence uint64) string {
	return filepath.Join(dir, "harm", executor+"."+strconv.FormatUint(sequence, 10))
}

// Ended is the file that says that an attack came to its own end.
func Ended(dir, executor string) string { return filepath.Join(dir, "ended", executor) }

// Process is the file with the process id and start time of a run.
func Process(dir, executor string) string { return filepath.Join(dir, "processes", executor) }

// Folders are those that must exist in a world's folder.
func Folders(dir string) []string {
	var list []string
	for _, name := range []string{"harm", "ended", "processes", "killed"} {
		list = append(list, filepath.Join(dir, name))
	}
	return list
}

// Killed is the file that is made before a kill, so that each is made once.
func Killed(dir, executor string) string { return filepath.Join(dir, "killed", executor) }

// PlannerArgs is what the planner is configured with.
type PlannerArgs struct {
	// At is when all of them are due.
	At string `json:"at"`
	// Apart is the time from one to the next.
	Apart   sdk.Duration `json:"apart,omitempty"`
	Scripts []Script     `json:"scripts"`
}
