package engine

import (
	"context"
	"encoding/json"
	"time"
)

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
	// Targets asks an attack whom it would hit now. It does no harm. An
	// attack's own refusal is a *Failure.
	Targets(ctx context.Context, o Offer, call TargetsCall) ([]Target, error)
	// Check asks an attack what a person should know of its config when a plan
	// is made: warnings. An attack's own refusal is a *Failure; one that breaks
	// a bound or dies is another error.
	Check(ctx context.Context, o Offer, config Config) ([]string, error)
	// Launch starts a process for a run and readies it. Nothing of the attack
	// happens until Process.Run.
	Launch(ctx context.Context, o Offer, id ExecutorID) (Process, error)
	// Undo executes one record in a fresh process of the record's digest, and
	// passes on what that logs.
	Undo(ctx context.Context, call UndoCall, log func(LogEntry)) (UndoAnswer, error)
	// Reap ends processes that an earlier daemon on the same store left, and
	// removes their files. It returns when they are gone, with how many there
	// were. Executors with a process that outlives even SIGKILL (one stuck in
	// the kernel), or that belongs to a daemon which lives (on a copy of the
	// store), are in Stuck; they are no error.
	Reap(ctx context.Context) (Reaped, error)
}

// Reaped is what Reap found.
type Reaped struct {
	Processes int // that an earlier daemon left
	// Stuck are the executors that still have a process.
	Stuck []ExecutorID
}

// Process is a launched plugin that waits for its Start. Exactly one of Run and
// Discard is called, once.
type Process interface {
	PID() int
	// Isolation names what really confines the process, as it was found after
	// its start: "process_group", "no_new_privs", "cgroup:kill", …
	Isolation() []string
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
	// Unstarted is the state of an executor whose Start had not been sent when
	// it was stopped; zero: cancelled.
	Unstarted State
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
	// DryRun: the attack does no harm and says what it would do.
	DryRun bool
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
	// NotStarted is set when Start certainly was not sent.
	NotStarted bool
	// Stuck is set when the process outlived even SIGKILL; Host.Reap tells
	// when it is gone.
	Stuck  bool
	Status ExitStatus
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

// TargetsCall is the input of Host.Targets.
type TargetsCall struct {
	Config Config // the attack's whole config, secrets included
	Seed   int64  // of the run it is asked for
	Zone   string
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
