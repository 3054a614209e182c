package httpapi

import (
	"encoding/json"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// executorDetail is what an executor on its own shows besides its document.
type executorDetail struct {
	Run         *runDocument   `json:"run"` // null: it has not run
	UndoRecords []undoDocument `json:"undo_records"`
	// Log holds the last lines of the log, as /log has them.
	Log []string `json:"log"`
}

// runDocument is what happened when an executor fired.
type runDocument struct {
	Ref        engine.Ref        `json:"ref"`
	Digest     string            `json:"digest"`
	PID        int               `json:"pid,omitempty"`
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

// undoDocument is an undo record without its opaque part, which may hold
// secrets and is nobody's business but the plugin's.
type undoDocument struct {
	ID          string             `json:"id"`
	State       engine.RecordState `json:"state"`
	Description string             `json:"description"`
	Created     *string            `json:"created"`
	UndoAt      *string            `json:"undo_at"`
	NextAttempt *string            `json:"next_attempt"`
	Attempts    int                `json:"attempts"`
	Outcome     engine.Outcome     `json:"outcome,omitempty"`
	Message     string             `json:"message,omitempty"`
	Finished    *string            `json:"finished"`
}

func newRunDocument(run engine.Run, zone *time.Location) *runDocument {
	if run.Executor == "" {
		return nil
	}
	doc := &runDocument{
		Ref:        run.Ref,
		Digest:     run.Digest,
		PID:        run.PID,
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

func newUndoDocuments(records []engine.UndoRecord, zone *time.Location) []undoDocument {
	docs := make([]undoDocument, len(records))
	for i, r := range records {
		docs[i] = undoDocument{
			ID:          r.String(),
			State:       r.State,
			Description: r.Description,
			Created:     showTime(r.Created, zone),
			UndoAt:      showTime(r.UndoAt, zone),
			NextAttempt: showTime(r.Due, zone),
			Attempts:    r.Attempts,
			Outcome:     r.Outcome,
			Message:     r.Message,
			Finished:    showTime(r.Finished, zone),
		}
	}
	return docs
}

// emptyNotNull makes a list that is shown as [] rather than null.
func emptyNotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
