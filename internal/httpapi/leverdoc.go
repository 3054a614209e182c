package httpapi

import (
	"fmt"
	"net/http"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// leverDocument is the lever. By, Reason and At tell of the last time it was
// engaged, whether or not it still is; they are empty before the first.
type leverDocument struct {
	Engaged    bool    `json:"engaged"`
	By         string  `json:"by"`
	Reason     string  `json:"reason"`
	At         *string `json:"at"`
	ReleasedBy string  `json:"released_by"`
	ReleasedAt *string `json:"released_at"`
	// Durable is false while a restart would not know of the last change.
	Durable bool `json:"durable"`
	// HaltFile is the path of the halt file, null when it is not there.
	HaltFile *string `json:"halt_file"`
	// Stopping counts the runs that still end, Undoing what is still undone.
	Stopping int           `json:"stopping"`
	Undoing  int           `json:"undoing"`
	Stop     *stopDocument `json:"stop"` // null: nothing was ever stopped
	Links    leverLinks    `json:"_links"`
}

// stopDocument is how long the last engaging took. null: not yet reached.
type stopDocument struct {
	Runs         int      `json:"runs"`
	GoneMillis   *float64 `json:"gone_ms"`
	UndoneMillis *float64 `json:"undone_ms"`
	// NotUndone counts the records whose undo had failed by then.
	NotUndone int `json:"not_undone"`
}

type leverLinks struct {
	Self      link `json:"self"`
	Executors link `json:"executors"` // what still runs is among them
	Undos     link `json:"undos"`
	Status    link `json:"status"`
}

// leverAnswer is the lever on its own.
type leverAnswer struct {
	leverDocument
	Msg string `json:"msg"`
	warned
}

func newLeverDocument(state engine.LeverState, zone *time.Location) leverDocument {
	doc := leverDocument{
		Engaged:    state.Engaged,
		By:         state.By,
		Reason:     state.Reason,
		At:         showTime(state.At, zone),
		ReleasedBy: state.ReleasedBy,
		ReleasedAt: showTime(state.ReleasedAt, zone),
		Durable:    state.Durable,
		Stopping:   state.Stopping,
		Undoing:    state.Undoing,
		Links: leverLinks{
			Self:      link{Href: leverPath},
			Executors: link{Href: executorsPath},
			Undos:     link{Href: undosPath},
			Status:    link{Href: statusPath},
		},
	}
	if state.HaltFile != "" {
		doc.HaltFile = &state.HaltFile
	}
	if stop := state.Stop; stop != nil {
		doc.Stop = &stopDocument{
			Runs: stop.Runs, GoneMillis: showSpan(stop.Gone), UndoneMillis: showSpan(stop.Undone), NotUndone: stop.NotUndone,
		}
	}
	return doc
}

// showSpan is a span in milliseconds for a document, nil (null) for zero.
func showSpan(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	shown := millis(d)
	return &shown
}

// sendLever answers with the lever. That it could not be stored is no failure:
// what was asked for is done.
func (s *Server) sendLever(w http.ResponseWriter, r *http.Request, state engine.LeverState, warnings []string) error {
	return send(w, r, http.StatusOK, leverAnswer{
		leverDocument: newLeverDocument(state, s.zone()),
		Msg:           leverWords(state),
		warned:        warned{append(warnings, leverWarnings(state)...)},
	})
}

// leverWords tells the state of the lever in one sentence.
func leverWords(state engine.LeverState) string {
	switch {
	case !state.Engaged:
		return "the lever is not engaged: executors start when they are due"
	case state.Stopping+state.Undoing > 0:
		return fmt.Sprintf("the lever is engaged: nothing starts; still to be stopped: %d, to be undone: %d",
			state.Stopping, state.Undoing)
	default:
		return "the lever is engaged: nothing starts"
	}
}

// leverWarnings says what a restart or a release would come up against.
func leverWarnings(state engine.LeverState) []string {
	var warnings []string
	switch {
	case state.Durable:
	case !state.Engaged:
		warnings = append(warnings, "the release could not be stored: "+
			"if the daemon is started anew before it can be, the lever is engaged again")
	case state.HaltFile != "":
		warnings = append(warnings, "the lever could not be stored: only the halt file "+state.HaltFile+
			" would engage it again when the daemon is started anew")
	default:
		warnings = append(warnings, "the lever could not be stored, nor is there a halt file: "+
			"if the daemon is started anew before it can be, executors start again")
	}
	if state.HaltFile != "" {
		warnings = append(warnings, "the lever can't be released while the halt file "+state.HaltFile+" is there")
	}
	return warnings
}
