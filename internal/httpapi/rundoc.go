package httpapi

import (
	"encoding/json"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// executorDetail is what an executor on its own shows besides its document.
type executorDetail struct {
	Run         *runDocument    `json:"run"` // null: it has not run
	UndoRecords json.RawMessage `json:"undo_records"`
	// Log holds the last lines of the log, as /log has them.
	Log []string `json:"log"`
}

// runDocument is what happened when an executor fired.
type runDocument struct {
	Ref    engine.Ref `json:"ref"`
	Digest string     `json:"digest"`
	PID    int        `json:"pid,omitempty"`
	DryRun bool       `json:"dry_run"`
	// Isolation is what confined the process.
	Isolation  []string          `json:"isolation"`
	Progress   *progressDocument `json:"progress"`
	Targets    []engine.Target   `json:"targets"`
	Result     json.RawMessage   `json:"result"`
	Failure    *engine.Failure   `json:"failure"`
	Exit       *exitDocument     `json:"exit"`
	LogDropped int               `json:"log_dropped"`
}

type progressDocument struct {
	Percent *float64 `json:"percent"` // null: not known
	Message string   `json:"message"`
	At      *string  `json:"at"`
}

// exitDocument is how the process ended and what it used.
type exitDocument struct {
	Code            int     `json:"code"` // -1 when ended by a signal
	Signal          string  `json:"signal,omitempty"`
	CPUMillis       float64 `json:"cpu_ms"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes,omitempty"`
	Stderr          string  `json:"stderr,omitempty"`
}

func newRunDocument(run engine.Run, dryRun bool, zone *time.Location) *runDocument {
	if run.Executor == "" {
		return nil
	}
	doc := &runDocument{
		Ref:        run.Ref,
		Digest:     run.Digest,
		PID:        run.PID,
		DryRun:     dryRun,
		Isolation:  emptyNotNull(run.Isolation),
		Targets:    emptyNotNull(run.Targets),
		Result:     run.Result,
		Failure:    run.Failure,
		LogDropped: run.LogDropped,
	}
	if p := run.Progress; p != nil {
		doc.Progress = &progressDocument{Message: p.Message, At: showTime(p.At, zone)}
		if p.Percent >= 0 {
			doc.Progress.Percent = &p.Percent
		}
	}
	if e := run.Exit; e != nil {
		doc.Exit = &exitDocument{
			Code: e.Code, Signal: e.Signal, CPUMillis: millis(e.CPU), PeakMemoryBytes: e.PeakMemory, Stderr: e.Stderr,
		}
	}
	return doc
}

// emptyNotNull makes a list that is shown as [] rather than null.
func emptyNotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
