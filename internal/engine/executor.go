package engine

import (
	"encoding/json"
	"slices"
	"time"
)

// State is where an executor is in its life.
//
//	scheduled -> starting -> running -> succeeded | failed | timed_out | halted | crashed | lost
//	scheduled -> missed | blocked | cancelled          starting -> scheduled | failed | lost
type State string

// The states of an executor.
const (
	Scheduled State = "scheduled"
	Starting  State = "starting" // claimed; Start is not known to be sent
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	TimedOut  State = "timed_out"
	Halted    State = "halted"
	Crashed   State = "crashed" // its process ended without an answer
	Lost      State = "lost"    // the daemon died; it may have run
	Missed    State = "missed"
	Blocked   State = "blocked"
	Cancelled State = "cancelled"
)

// States lists all states in the order of a life.
var States = []State{
	Scheduled, Starting, Running, Succeeded, Failed, TimedOut, Halted, Crashed, Lost,
	Missed, Blocked, Cancelled,
}

// PendingStates are the states that are not final.
var PendingStates = []State{Scheduled, Starting, Running}

// Final says whether nothing more happens by itself.
func (s State) Final() bool {
	switch s {
	case Scheduled, Starting, Running:
		return false
	default:
		return true
	}
}

// NeverRan says whether an executor in this final state certainly did not run,
// so that it may be scheduled again.
func (s State) NeverRan() bool { return s == Missed || s == Blocked || s == Cancelled }

// Valid says whether s is one of States.
func (s State) Valid() bool { return slices.Contains(States, s) }

// UndoState summarises the undo records of one executor.
type UndoState string

// The undo states of an executor.
const (
	UndoNone    UndoState = "none"
	UndoOpen    UndoState = "open"
	UndoUndoing UndoState = "undoing"
	UndoUndone  UndoState = "undone"
	UndoKept    UndoState = "kept"
	// UndoAbandoned: somebody gave it up; its effect stays in place.
	UndoAbandoned UndoState = "abandoned"
	UndoFailed    UndoState = "failed"
)

// Unsettled says whether something is left to take back.
func (s UndoState) Unsettled() bool {
	return s == UndoOpen || s == UndoUndoing || s == UndoFailed
}

// Executor is one scheduled run of a plan's attack.
type Executor struct {
	ID        ExecutorID `json:"id"`
	PlanID    PlanID     `json:"plan_id"`
	Name      string     `json:"name,omitempty"`
	AttackRef Ref        `json:"attack_ref"`
	// Due is when it runs, or was to run. Whole microseconds.
	Due   time.Time `json:"due"`
	State State     `json:"state"`
	// Reason says in words why the state is what it is; for people.
	Reason string `json:"reason,omitempty"`
	// Started is set if and only if Start may have left the daemon.
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Lag is the time from Due to the attack's first instruction; negative
	// when not known.
	Lag time.Duration `json:"lag"`
	// Undo is kept by the store from the undo records.
	Undo UndoState `json:"undo"`
	// MisfireGrace is the plan's: how late it may still be started.
	MisfireGrace time.Duration `json:"misfire_grace"`
	Seed         int64         `json:"seed"`
	// DryRun is the plan's.
	DryRun bool `json:"dry_run,omitempty"`
	// Args replaces the attack's args of the plan for this executor; nil: not.
	Args  json.RawMessage `json:"args,omitempty"`
	Claim *Claim          `json:"claim,omitempty"`
	// Halted is set when somebody halted its run by hand: what it did is taken
	// back then, whatever the plan says.
	Halted bool `json:"halted,omitempty"`
	// Deletion is set when a deletion was accepted that waits for this
	// executor's run or undo.
	Deletion *Removal `json:"deletion,omitempty"`
}

// Removal says what an accepted deletion is of.
type Removal struct {
	Plan        bool `json:"plan,omitempty"` // the whole plan
	AbandonUndo bool `json:"abandon_undo,omitempty"`
}

// Claim is what a starting executor remembers of who claimed it, so that after
// a crash it can be told whether Start can have been sent.
type Claim struct {
	// BootID is the kernel's random id of this boot.
	BootID string `json:"boot_id"`
	// DueAt is the due instant on this boot's clock (CLOCK_BOOTTIME). Start
	// is never sent before it.
	DueAt time.Duration `json:"due_at"`
}
