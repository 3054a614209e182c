package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
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

// ExecutorQuery selects executors, ordered by Due, then ID.
type ExecutorQuery struct {
	Plan     PlanID    // "": any
	Attack   Ref       // "": any
	States   []State   // empty: any
	From, To time.Time // due from From on and before To; zero: open
	Limit    int       // 0: a default of the store's choice
	Cursor   Cursor
}

// Store keeps what must survive. Every method that writes returns only after
// the write is durable, and applies all of it or nothing. Concurrent writers
// are committed together. Errors: an *Error with CodeNotFound when the thing
// named does not exist, CodeInvalid for a cursor that is none.
//
// Functions passed in may be called more than once, must not call the store,
// and see values they may change freely.
type Store interface {
	// ID is the store's random identity, 32 hex digits, made with it.
	ID() string

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
	// undo records. Unsettled records become abandoned and stay. CodeConflict
	// when an executor is starting or running.
	DeletePlan(ctx context.Context, id PlanID) error

	Executor(ctx context.Context, id ExecutorID) (Executor, error)
	Executors(ctx context.Context, q ExecutorQuery) ([]Executor, Cursor, error)
	// Transition applies fn to each executor named, in one transaction, and
	// returns those it changed, in the order given. Ids that do not exist, and
	// those for which fn returns ErrSkip, are left out; any other error undoes
	// the whole and is returned.
	Transition(ctx context.Context, ids []ExecutorID, fn func(*Executor) error) ([]Executor, error)
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
	// FinishRun is a run's end in one transaction.
	FinishRun(ctx context.Context, f Finish) (Executor, error)
	AppendLog(ctx context.Context, id ExecutorID, log []LogEntry) error
	// Log returns entries with Seq greater than after, in order.
	Log(ctx context.Context, id ExecutorID, after uint64, limit int) ([]LogEntry, error)

	// AddUndo stores a new record and opens the executor's undo.
	AddUndo(ctx context.Context, r UndoRecord) error
	// UpdateUndo changes one record, and the executor's undo state with it. When
	// fn returns ErrSkip the record is left and returned as it is.
	UpdateUndo(ctx context.Context, id UndoID, fn func(*UndoRecord) error) (UndoRecord, error)
	// Undos returns the records of one executor in the order of their sequence.
	Undos(ctx context.Context, id ExecutorID) ([]UndoRecord, error)
	// OpenUndos returns the records of all executors that are reversible.
	OpenUndos(ctx context.Context, limit int, c Cursor) ([]UndoRecord, Cursor, error)
	// DueUndos returns records with a Due not after until, earliest first, and
	// within one run the newest first, skipping as Due does.
	DueUndos(ctx context.Context, until time.Time, limit int, skip func(ExecutorID) bool) ([]UndoRecord, error)
	// NextUndo returns the earliest Due of a record, as NextDue does.
	NextUndo(ctx context.Context, skip func(ExecutorID) bool) (time.Time, error)
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

// Kind tells attacks from planners.
type Kind string

// The kinds.
const (
	KindAttack  Kind = "attack"
	KindPlanner Kind = "planner"
)

// Effect says what remains of an attack when it has run.
type Effect string

// The effects.
const (
	EffectNone         Effect = "none"
	EffectSelfLimiting Effect = "self_limiting"
	EffectUndoable     Effect = "undoable"
	EffectIrreversible Effect = "irreversible"
)

// Descriptor is what a plugin says of one ref.
type Descriptor struct {
	Ref         Ref               `json:"ref"`
	Aliases     []Ref             `json:"aliases,omitempty"`
	Kind        Kind              `json:"kind"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Version     string            `json:"version,omitempty"`
	Schema      json.RawMessage   `json:"schema"` // of the whole {ref, args}
	Examples    []json.RawMessage `json:"examples,omitempty"`
	Effect      Effect            `json:"effect"`
	CanUndo     bool              `json:"can_undo,omitempty"`
	Env         []string          `json:"env,omitempty"`
	Watch       []string          `json:"watch,omitempty"`
}

// Offer is a ref that can be used now: a descriptor and the binary behind it.
type Offer struct {
	Descriptor
	// Digest is the sha256 of the binary in hex; only a copy with this digest
	// is executed for this offer.
	Digest string
	// Plugin is the name of the plugin file in its folder.
	Plugin string
	// Compiled is Descriptor.Schema, ready to validate.
	Compiled *schema.Schema
}

// PluginState is what became of a file in a plugin folder.
type PluginState string

// The states of a plugin file.
const (
	PluginReady        PluginState = "ready"
	PluginBroken       PluginState = "broken"
	PluginConflict     PluginState = "conflict"
	PluginIncompatible PluginState = "incompatible"
	// PluginIgnored files are listed and never executed.
	PluginIgnored PluginState = "ignored"
)

// PluginFile is one file seen in a plugin folder.
type PluginFile struct {
	Kind   Kind         `json:"kind"` // the folder it was seen in
	Path   string       `json:"path"` // relative to the folder
	SHA256 string       `json:"sha256,omitempty"`
	Refs   []Ref        `json:"refs"`
	State  PluginState  `json:"state"`
	SDK    string       `json:"sdk,omitempty"`
	Error  *PluginError `json:"error,omitempty"`
	// EnvRefused lists variables asked for and not granted.
	EnvRefused []string `json:"env_refused,omitempty"`
	// EnvHint is the flag that grants them.
	EnvHint string `json:"env_hint,omitempty"`
}

// PluginError says why a plugin file does not serve.
type PluginError struct {
	Stage   string `json:"stage"` // stat, copy, describe, decode, schema, example, ref, conflict, handshake
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Stderr  string `json:"stderr,omitempty"`
}

// Host runs plugins, each call in a process of its own. No process, socket or
// file of a call is left when it has returned. All calls are bounded by the
// host's own limits besides the context. How many processes are being spawned
// at once is bounded; undo goes first, then launches, plans, descriptions.
type Host interface {
	// Offers lists what can be used now, sorted by ref.
	Offers(kind Kind) []Offer
	// Offer finds a ref or an alias. CodeNotFound with the nearest known refs
	// in the message, and what is wrong with its plugin if there is one.
	Offer(kind Kind, ref Ref) (Offer, error)
	// Plugins lists every file seen, sorted by kind, then path.
	Plugins() []PluginFile
	// Rescan looks at the folders now and returns when it is done.
	Rescan(ctx context.Context) error

	// Plan runs a planner. A planner's own refusal is a *Failure; a planner
	// that breaks a bound or dies is another error.
	Plan(ctx context.Context, o Offer, call PlanCall) (Planned, error)
	// Launch starts a process for a run and readies it. Nothing of the attack
	// happens until Process.Run.
	Launch(ctx context.Context, o Offer, id ExecutorID) (Process, error)
	// Undo executes one record in a fresh process of the record's digest, and
	// passes on what that logs.
	Undo(ctx context.Context, call UndoCall, log func(LogEntry)) (UndoAnswer, error)
	// Reap ends processes that an earlier daemon on the same store left, and
	// removes their files. It returns when they are gone.
	Reap(ctx context.Context) error
}

// Process is a launched plugin that waits for its Start. Exactly one of Run and
// Discard is called, once.
type Process interface {
	PID() int
	// Run sends Start and blocks until the run is over and its process group is
	// gone. When ctx ends, the plugin is stopped: a Stop message with the
	// context's cause, the grace, SIGTERM, SIGKILL. The sink is called from one
	// goroutine and not after Run has returned.
	Run(ctx context.Context, s Start, sink Sink) Exit
	// Discard ends the process; Start is never sent.
	Discard()
}

// StopReason is a context cause that says why a run is stopped.
type StopReason struct {
	State  State  // the state the executor ends in: halted or timed_out
	Reason string // in words
	// Shutdown is set when the daemon itself is stopping.
	Shutdown bool
}

func (s *StopReason) Error() string { return s.Reason }

// Start is what a run is started with.
type Start struct {
	Executor ExecutorID
	Plan     PlanID
	PlanName string
	Name     string
	Config   Config // the attack's whole config, secrets included
	Seed     int64
	Due      time.Time
	Timeout  time.Duration
	Zone     string
}

// Bounds of what one run may put on its record. The Host enforces them, and
// says so in the run's log or, for undo records, to the plugin.
const (
	MaxTargets     = 1000
	MaxUndoRecords = 1000
	MaxUndoRecord  = 64 << 10  // bytes
	MaxResult      = 256 << 10 // bytes
)

// Sink takes what a run reports. Methods may block; the plugin waits.
type Sink interface {
	// Started tells when the attack's own code was called.
	Started(at time.Time)
	Log(e LogEntry)
	Progress(p Progress)
	Targets(t []Target)
	Result(doc json.RawMessage)
	// Undo makes a record durable. Its error is what the plugin is told, and
	// the harm is not done then.
	Undo(r NewUndo) error
	// Undone reports that the run took back one of its own records.
	Undone(sequence uint64, a UndoAnswer)
}

// NewUndo is a record as a run announces it.
type NewUndo struct {
	Sequence    uint64
	Record      json.RawMessage
	Description string
	UndoAt      time.Time // zero: none
}

// Exit is how a run's process ended.
type Exit struct {
	// Finished is set when the plugin answered; Failure then says how.
	Finished bool
	Failure  *Failure // nil: it succeeded
	// Stopped is set when a Stop was sent before the plugin answered.
	Stopped bool
	Status  ExitStatus
	// Err says what broke when the plugin did not answer.
	Err error
}

// PlanCall is the input of a planner.
type PlanCall struct {
	Name   string
	Config Config // the planner's
	Attack Config // secrets replaced by placeholders
	Now    time.Time
	Zone   string
	Seed   int64
}

// Planned is what a planner answered.
type Planned struct {
	Executions []Execution
	Warnings   []string
	// ZoneUsed is set when an instant depends on the zone.
	ZoneUsed bool
}

// Execution is one instant of a plan.
type Execution struct {
	At   time.Time
	Name string
	Args json.RawMessage // nil: the plan's
}

// UndoCall is the input of an undo.
type UndoCall struct {
	Record  UndoRecord
	Config  Config
	Seed    int64
	Attempt int
	Timeout time.Duration
}

// UndoAnswer is what came of an undo.
type UndoAnswer struct {
	Outcome Outcome
	Message string
}
