package engine

import (
	"encoding/json"
	"time"
)

// RecordState is where one undo record is in its life.
type RecordState string

// The states of an undo record.
const (
	RecordOpen      RecordState = "open"
	RecordUndoing   RecordState = "undoing"
	RecordUndone    RecordState = "undone"
	RecordKept      RecordState = "kept"
	RecordFailed    RecordState = "failed"
	RecordAbandoned RecordState = "abandoned"
)

// Unsettled says whether the record still asks to be taken back.
func (s RecordState) Unsettled() bool {
	return s == RecordOpen || s == RecordUndoing || s == RecordFailed
}

// Reversible says whether the harm may be in place and can still be taken back,
// if only by hand. The plugin binary that did it is kept as long.
func (s RecordState) Reversible() bool { return s.Unsettled() || s == RecordKept }

// UndoRecord lets a fresh process take back one harm. It is durable before the
// harm is done.
type UndoRecord struct {
	UndoID
	Plan PlanID `json:"plan"`
	Ref  Ref    `json:"ref"`
	// Digest is the plugin binary that wrote the record; only the same binary
	// undoes it.
	Digest      string          `json:"digest"`
	Record      json.RawMessage `json:"record"` // opaque
	Description string          `json:"description,omitempty"`
	Created     time.Time       `json:"created"`
	// UndoAt, if set, is when the harm is taken back even if the run succeeded.
	UndoAt time.Time `json:"undo_at,omitzero"`

	State RecordState `json:"state"`
	// Due is when the next attempt is to be made; zero: none is planned. The
	// store keeps records with a Due in the undo index.
	Due      time.Time `json:"due,omitzero"`
	Attempts int       `json:"attempts"`
	// Outcome and Message are the last answer.
	Outcome  Outcome   `json:"outcome,omitempty"`
	Message  string    `json:"message,omitempty"`
	Finished time.Time `json:"finished,omitzero"`
	// Abandoned says who gave the record up, and why.
	Abandoned *Abandonment `json:"abandoned,omitempty"`
}

// Abandonment is the decision to leave an effect in place.
type Abandonment struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// RecordStates lists all states of an undo record in the order of a life.
var RecordStates = []RecordState{
	RecordOpen, RecordUndoing, RecordUndone, RecordKept, RecordFailed, RecordAbandoned,
}

// ReversibleStates are those of records that can still be taken back.
var ReversibleStates = []RecordState{RecordOpen, RecordUndoing, RecordKept, RecordFailed}

// Outcome is a plugin's answer to an undo.
type Outcome string

// The five answers.
const (
	OutcomeUndone      Outcome = "undone"
	OutcomeNothingToDo Outcome = "nothing_to_do"
	OutcomeNotMine     Outcome = "not_mine"
	OutcomeRetry       Outcome = "retry"
	OutcomeFailed      Outcome = "failed"
)

// Settles says whether nothing is left to take back after this answer.
func (o Outcome) Settles() bool {
	return o == OutcomeUndone || o == OutcomeNothingToDo || o == OutcomeNotMine
}

// UndoStateOf summarises the records of one executor. The worst counts.
func UndoStateOf(records []UndoRecord) UndoState {
	counts := make(UndoCounts)
	for _, r := range records {
		counts[r.State]++
	}
	return counts.State()
}

// State is UndoStateOf, for the records of one executor that have been counted.
func (c UndoCounts) State() UndoState {
	rank := map[RecordState]int{
		RecordUndone: 1, RecordAbandoned: 2, RecordKept: 3, RecordOpen: 4, RecordUndoing: 5, RecordFailed: 6,
	}
	states := []UndoState{UndoNone, UndoUndone, UndoAbandoned, UndoKept, UndoOpen, UndoUndoing, UndoFailed}
	worst := 0
	for state, n := range c {
		if n > 0 {
			worst = max(worst, rank[state])
		}
	}
	return states[worst]
}
