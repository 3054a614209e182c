package engine

import (
	"runtime"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Settings configure an Engine. Zero values mean the defaults named.
type Settings struct {
	// Zone is where times without an offset are read and all times are shown.
	// Default UTC.
	Zone *time.Location
	// ZoneAssumed is set when nobody chose Zone and the machine's own zone is
	// another: plans that depend on the zone then carry a warning.
	ZoneAssumed bool
	// MaxConcurrentRuns bounds how many runs are alive at once. Default 128.
	MaxConcurrentRuns int
	// MisfireGrace is how late an executor may be started, where the plan does
	// not say. Default 1 minute.
	MisfireGrace time.Duration
	// RunTimeout bounds a run, where the plan does not say. Default 15 minutes.
	RunTimeout time.Duration
	// UndoTimeout bounds one attempt to undo. Default 5 minutes.
	UndoTimeout time.Duration
	// UndoAttempts is how often an undo is tried before it is given up until
	// somebody asks or the daemon starts anew. Default 10.
	UndoAttempts int
	// Limits bound what all plans together may do.
	Limits Limits
	// HaltFile, if not nil, engages the lever while it exists. It is looked at
	// when the engine starts, when HaltFileChanged receives, and before the
	// lever is released.
	HaltFile        HaltFile
	HaltFileChanged <-chan struct{}
	// PlanTimeout bounds a planner. Default 10 seconds.
	PlanTimeout time.Duration
	// DeletionWait is how long a deletion waits for runs to be stopped and
	// undone before it answers that it goes on. Default 10 seconds.
	DeletionWait time.Duration
	// History is how long plans are kept after they have ended. Default: for
	// ever.
	History time.Duration
	// ClockChanged receives whenever the wall clock was set or the machine
	// woke up. May be nil.
	ClockChanged <-chan struct{}
	// Boot reads the boot clock. Default: the kernel's.
	Boot func() BootTime
	// Cores is how many processes make progress at once. Default: the
	// machine's.
	Cores int
	// Observe, if set, is told of each change of what people follow, after it is
	// durable, in the order in which they became so; of the lever as soon as it
	// has changed in memory. It is called by many goroutines, one at a time. It
	// must not block, for what was changed waits for it, nor call the engine.
	Observe func(Change)
	Logger  hclog.Logger
}

// BootTime is a reading of the clock that counts since the machine started,
// suspend included.
type BootTime struct {
	ID      string // the boot's random id; "" when it is not known
	Elapsed time.Duration
}

func (s Settings) withDefaults() Settings {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	setDefault(&s.MaxConcurrentRuns, 128)
	setDefault(&s.MisfireGrace, time.Minute)
	setDefault(&s.RunTimeout, 15*time.Minute)
	setDefault(&s.UndoTimeout, 5*time.Minute)
	setDefault(&s.UndoAttempts, 10)
	setDefault(&s.PlanTimeout, 10*time.Second)
	setDefault(&s.DeletionWait, 10*time.Second)
	setDefault(&s.Cores, runtime.NumCPU())
	if s.Limits.Irreversible == "" {
		s.Limits.Irreversible = IrreversibleAllow
	}
	if s.Boot == nil {
		s.Boot = readBootTime
	}
	if s.Logger == nil {
		s.Logger = hclog.NewNullLogger()
	}
	return s
}

func setDefault[T int | time.Duration](value *T, fallback T) {
	if *value <= 0 {
		*value = fallback
	}
}
