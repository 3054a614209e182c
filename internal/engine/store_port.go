package engine

import (
	"context"
	"errors"
	"time"
)

// ErrSkip is returned by a transition function to leave an executor as it is.
var ErrSkip = errors.New("skip")

// Cursor is an opaque position in a list; "" is the start, or the end when
// returned.
type Cursor string

// PlanQuery selects plans, newest first.
type PlanQuery struct {
	All    bool // executed ones too
	Limit  int  // 0: a default of the store's choice
	Cursor Cursor
}

// ExecutorQuery selects executors, ordered by Due, then ID. A cursor goes on in the
// order it was made in only.
type ExecutorQuery struct {
	Plan     PlanID    // "": any
	Attack   Ref       // "": any
	States   []State   // empty: any
	From, To time.Time // due from From on and before To; zero: open
	Newest   bool      // in the reverse order
	Limit    int       // 0: a default of the store's choice
	Cursor   Cursor
}

// UndoQuery selects undo records, in the order of executor ids (which is that of
// their making), then of sequences.
type UndoQuery struct {
	States []RecordState // empty: any
	Limit  int           // 0: a default of the store's choice
	Cursor Cursor
}

// UndoCounts tells how many undo records there are in each state.
type UndoCounts map[RecordState]int

// Unsettled is how many still ask to be taken back.
func (c UndoCounts) Unsettled() int {
	return c[RecordOpen] + c[RecordUndoing] + c[RecordFailed]
}

// Store keeps what must survive. Every method that writes returns only after
// the write is durable, and applies all of it or nothing. Concurrent writers
// are committed together. Errors: an *Error with CodeNotFound when the thing
// named does not exist, CodeInvalid for a cursor that is none.
//
// Room is reserved for what a daemon must be able to write when the disk is
// full. CreatePlan, Claim, AddUndo, SaveRun, AppendLog and what is not part of
// this interface may not use it: they return CodeFull then, and nothing is
// written. SetLever, Transition, FinishRun, UpdateUndo, the deletions,
// PruneReceipts and PruneHistory may. When the store can't be written for another reason (a
// file system that became read-only, a failing disk) every write returns
// CodeUnwritable. Both pass by themselves when the cause does, unless it is not
// certain what a failed write has left in the file: then every write returns
// CodeUnwritable until the store is opened anew.
//
// Functions passed in may be called more than once, must not call the store,
// and see values they may change freely.
type Store interface {
	// ID is the store's random identity, 32 hex digits, made with it.
	ID() string

	// Lever returns the lever as it was stored last; zero when it never was.
	Lever(ctx context.Context) (Lever, error)
	// SetLever stores it, ahead of the writes that wait.
	SetLever(ctx context.Context, l Lever) error

	// CreatePlan stores the plan with all its executors and, if given, the
	// receipt. CodeConflict when the receipt's key exists.
	CreatePlan(ctx context.Context, p Plan, executors []Executor, receipt *Receipt) error
	// Receipt returns what was stored for an idempotency key.
	Receipt(ctx context.Context, key string) (Receipt, error)
	// PruneReceipts deletes at most limit receipts made before t.
	PruneReceipts(ctx context.Context, t time.Time, limit int) (int, error)
	Plan(ctx context.Context, id PlanID) (Plan, error)
	Plans(ctx context.Context, q PlanQuery) ([]Plan, Cursor, error)
	// DeletePlan deletes the plan with its executors, runs, logs and settled
	// undo records. Reversible records become abandoned and stay. CodeConflict
	// when an executor is starting or running.
	DeletePlan(ctx context.Context, id PlanID) error
	// PruneHistory is one small step of deleting what ended before t: plans that
	// are executed, the oldest first, with everything that belongs to them. It
	// deletes at most limit executors, so a large plan takes several steps, and
	// is gone with the last. A plan of which an executor is not final, or an undo
	// open, under way or failed, is never touched. Records that are kept become
	// abandoned by the reason given, and go when that is as long ago.
	PruneHistory(ctx context.Context, t time.Time, limit int, by Abandonment) (Pruned, error)

	Executor(ctx context.Context, id ExecutorID) (Executor, error)
	Executors(ctx context.Context, q ExecutorQuery) ([]Executor, Cursor, error)
	// Transition applies fn to each executor named, in one transaction, and
	// returns those it changed, in the order given. Ids that do not exist, and
	// those for which fn returns ErrSkip, are left out; any other error undoes
	// the whole and is returned.
	Transition(ctx context.Context, ids []ExecutorID, fn func(*Executor) error) ([]Executor, error)
	// Claim is Transition without the room that is reserved.
	Claim(ctx context.Context, ids []ExecutorID, fn func(*Executor) error) ([]Executor, error)
	// ExecutorCounts counts all executors by their state, at a cost that does not
	// depend on how many there are. States without any are left out.
	ExecutorCounts(ctx context.Context) (map[State]int, error)
	// DeleteExecutor deletes the executor as DeletePlan does.
	DeleteExecutor(ctx context.Context, id ExecutorID) error
	// Due returns scheduled executors with Due not after until, earliest first,
	// ties by ID, skipping those for which skip returns true.
	Due(ctx context.Context, until time.Time, limit int, skip func(ExecutorID) bool) ([]Executor, error)
	// NextDue returns the due instant of the earliest scheduled executor that
	// skip does not pass over; the zero time when there is none.
	NextDue(ctx context.Context, skip func(ExecutorID) bool) (time.Time, error)

	Run(ctx context.Context, id ExecutorID) (Run, error)
	// SaveRun replaces the run's record and appends to its log.
	SaveRun(ctx context.Context, run Run, log []LogEntry) error
	// FinishRun is a run's end in one transaction. When there is no room but
	// the reserved, it stores Finish.Scant of it.
	FinishRun(ctx context.Context, f Finish) (Executor, error)
	AppendLog(ctx context.Context, id ExecutorID, log []LogEntry) error
	// Log returns entries with Seq greater than after, in order.
	Log(ctx context.Context, id ExecutorID, after uint64, limit int) ([]LogEntry, error)

	// AddUndo stores a new record and opens the executor's undo. CodeLimited
	// when limit records, or more, are unsettled already; 0 is no limit.
	AddUndo(ctx context.Context, r UndoRecord, limit int) error
	// UpdateUndo changes one record, and the executor's undo state with it. When
	// fn returns ErrSkip the record is left and returned as it is.
	UpdateUndo(ctx context.Context, id UndoID, fn func(*UndoRecord) error) (UndoRecord, error)
	// Undo returns one record.
	Undo(ctx context.Context, id UndoID) (UndoRecord, error)
	// Undos returns the records of one executor in the order of their sequence.
	Undos(ctx context.Context, id ExecutorID) ([]UndoRecord, error)
	// UndoRecords lists the records of all executors.
	UndoRecords(ctx context.Context, q UndoQuery) ([]UndoRecord, Cursor, error)
	// UndoCounts counts all records, at a cost that does not depend on how many.
	UndoCounts(ctx context.Context) (UndoCounts, error)
	// DueUndos returns records with a Due not after until, earliest first, and
	// within one run the newest first, skipping as Due does.
	DueUndos(ctx context.Context, until time.Time, limit int, skip func(ExecutorID) bool) ([]UndoRecord, error)
	// NextUndo returns the earliest Due of a record, as NextDue does.
	NextUndo(ctx context.Context, skip func(ExecutorID) bool) (time.Time, error)
}

// Pruned is what one step of PruneHistory did.
type Pruned struct {
	Plans     []PlanID // that are gone now
	Executors int      // deleted
	Undos     int      // abandoned records of deleted executors, deleted
	// Damaged tells of something that can't be read, so that nothing was done in
	// this step; the next ones leave it alone.
	Damaged error
	More    bool // something was done, or Damaged: there may be more
}

// Receipt remembers the answer to a request that carried an idempotency key.
type Receipt struct {
	Key string `json:"key"`
	// Fingerprint identifies the request's body.
	Fingerprint string    `json:"fingerprint"`
	Plan        PlanID    `json:"plan"`
	Warnings    []string  `json:"warnings,omitempty"`
	Created     time.Time `json:"created"`
}

// Finish is what the end of a run writes.
type Finish struct {
	ID ExecutorID
	// Apply sets the executor's final state.
	Apply func(*Executor) error
	// Run, if not nil, replaces the run's record.
	Run *Run
	Log []LogEntry
	// Undo, if not nil, is applied to each unsettled undo record of the run.
	Undo func(*UndoRecord)
}

// Scant returns what of the end must be stored even when there is hardly room:
// the outcome, without the log, the targets and the result.
func (f Finish) Scant() Finish {
	if f.Run != nil {
		run := *f.Run
		run.LogDropped += len(f.Log)
		run.Targets, run.Result, run.Progress = nil, nil, nil
		if run.Exit != nil {
			exit := *run.Exit
			exit.Stderr = ""
			run.Exit = &exit
		}
		f.Run = &run
	}
	f.Log = nil
	return f
}
