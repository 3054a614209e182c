package httpapi

import (
	"net/http"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// statusDocument is what somebody wants to know first about a daemon.
type statusDocument struct {
	Version      string                    `json:"version"`
	Timezone     string                    `json:"timezone"`
	Lever        leverDocument             `json:"lever"`
	Irreversible engine.IrreversiblePolicy `json:"irreversible"`
	Limits       []limitDocument           `json:"limits"`
	Runs         runCounts                 `json:"runs"`
	Undos        undoCounts                `json:"undos"`
	Totals       totalsDocument            `json:"totals"`
	Links        map[string]link           `json:"_links"`
	warned
}

// limitDocument is one limit and how far it is used up.
type limitDocument struct {
	Name    string `json:"name"` // of the flag that sets it
	Limit   string `json:"limit"`
	Used    *int   `json:"used"` // null: it can't be counted
	Reached bool   `json:"reached"`
}

type runCounts struct {
	Live int `json:"live"` // claimed or running
	// Undoing counts the executors whose records are being executed.
	Undoing int `json:"undoing"`
}

// undoCounts tells how many undo records there are in each state.
type undoCounts struct {
	Open      int `json:"open"`
	Undoing   int `json:"undoing"`
	Undone    int `json:"undone"`
	Kept      int `json:"kept"`
	Failed    int `json:"failed"`
	Abandoned int `json:"abandoned"`
	Unsettled int `json:"unsettled"` // open, undoing or failed
}

// totalsDocument counts since the daemon was started.
type totalsDocument struct {
	UndoAttempts map[engine.Outcome]uint64 `json:"undo_attempts"` // by answer
	UndosFailed  uint64                    `json:"undos_failed"`  // given up
	Halts        uint64                    `json:"halts"`         // of the lever
	// Of the last of them; null: none yet, or not yet reached.
	LastHaltGoneMillis   *float64 `json:"last_halt_gone_ms"`
	LastHaltUndoneMillis *float64 `json:"last_halt_undone_ms"`
}

// status tells how the engine is.
func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	status, err := s.engine.Status(r.Context())
	if err != nil {
		return err
	}
	doc := newStatusDocument(status, s.zone())
	doc.Version = s.cfg.Version
	if s.cfg.Metrics != nil {
		doc.Links["metrics"] = link{Href: metricsPath}
	}
	return send(w, r, http.StatusOK, doc)
}

func newStatusDocument(status engine.Status, zone *time.Location) statusDocument {
	limits := make([]limitDocument, len(status.Limits))
	for i, l := range status.Limits {
		limits[i] = limitDocument{Name: l.Name, Limit: l.Limit, Reached: l.Reached}
		if l.Used >= 0 {
			limits[i].Used = &l.Used
		}
	}
	attempts := status.Totals.UndoAttempts
	if attempts == nil {
		attempts = map[engine.Outcome]uint64{}
	}
	return statusDocument{
		Timezone:     zone.String(),
		Lever:        newLeverDocument(status.Lever, zone),
		Irreversible: status.Irreversible,
		Limits:       limits,
		Runs:         runCounts{Live: status.Live, Undoing: status.Undoing},
		Undos:        newUndoCounts(status.Undos),
		Totals: totalsDocument{
			UndoAttempts:         attempts,
			UndosFailed:          status.Totals.UndosFailed,
			Halts:                status.Totals.Halts,
			LastHaltGoneMillis:   showSpan(status.Totals.LastHaltGone),
			LastHaltUndoneMillis: showSpan(status.Totals.LastHaltUndone),
		},
		Links: map[string]link{
			"self":      {Href: statusPath},
			"halt":      {Href: leverPath},
			"executors": {Href: executorsPath},
			"undos":     {Href: undosPath},
			"ready":     {Href: "/readyz"},
		},
		warned: warned{leverWarnings(status.Lever)},
	}
}

func newUndoCounts(c engine.UndoCounts) undoCounts {
	return undoCounts{
		Open:      c[engine.RecordOpen],
		Undoing:   c[engine.RecordUndoing],
		Undone:    c[engine.RecordUndone],
		Kept:      c[engine.RecordKept],
		Failed:    c[engine.RecordFailed],
		Abandoned: c[engine.RecordAbandoned],
		Unsettled: c.Unsettled(),
	}
}
