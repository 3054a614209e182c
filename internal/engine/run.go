package engine

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Run is what happened when an executor fired.
type Run struct {
	Executor ExecutorID `json:"executor"`
	Ref      Ref        `json:"ref"`
	// Digest is the sha256 of the plugin binary that ran, in hex.
	Digest string `json:"digest,omitempty"`
	PID    int    `json:"pid,omitempty"`
	// Isolation is what confined the process; see Process.Isolation.
	Isolation []string `json:"isolation,omitempty"`

	Progress *Progress       `json:"progress,omitempty"`
	Targets  []Target        `json:"targets,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Failure  *Failure        `json:"failure,omitempty"`
	Exit     *ExitStatus     `json:"exit,omitempty"`
	// LogDropped counts log entries left out over the cap.
	LogDropped int `json:"log_dropped,omitempty"`
}

// Progress is how far a run says it is.
type Progress struct {
	Percent float64   `json:"percent"` // 0 to 100; negative: not known
	Message string    `json:"message,omitempty"`
	At      time.Time `json:"at"`
}

// Target is one thing a run hits.
type Target struct {
	ID     string          `json:"id"`
	Name   string          `json:"name,omitempty"`
	State  string          `json:"state,omitempty"`
	Detail json.RawMessage `json:"detail,omitempty"`
}

// tell puts on record what is said of a target, in place of what was said before.
func (r *Run) tell(t Target) {
	i := slices.IndexFunc(r.Targets, func(old Target) bool { return cmp.Or(old.ID, old.Name) == cmp.Or(t.ID, t.Name) })
	if i < 0 {
		r.Targets = append(r.Targets, t)
		return
	}
	r.Targets[i] = t
}

// Failure is a plugin's own account of why it failed.
type Failure struct {
	Message string `json:"message"`
	// Pointer is a JSON pointer into the config, where the failure is about it.
	Pointer string `json:"pointer,omitempty"`
	Stack   string `json:"stack,omitempty"`
}

func (f *Failure) Error() string { return f.Message }

// ExitStatus is how a plugin process ended and what it used.
type ExitStatus struct {
	Code   int           `json:"code"`             // -1 when ended by a signal
	Signal string        `json:"signal,omitempty"` // "killed", "terminated", …
	CPU    time.Duration `json:"cpu"`              // user and system
	// PeakMemory is the process's own high-water mark in bytes (VmHWM); 0 when
	// it could not be read.
	PeakMemory int64 `json:"peak_memory,omitempty"`
	// Stderr is the tail of what the process wrote there.
	Stderr string `json:"stderr,omitempty"`
}

// LogEntry is one line of a run's log.
type LogEntry struct {
	// Seq orders the entries of one executor; assigned by the store or, for
	// entries of a live run, by the engine. Counts from 1.
	Seq     uint64          `json:"seq"`
	At      time.Time       `json:"at"`
	Level   string          `json:"level"`  // debug, info, warn, error
	Source  string          `json:"source"` // attack, undo, stdout, stderr, cmed
	Message string          `json:"message"`
	Fields  json.RawMessage `json:"fields,omitempty"` // a JSON object
}
