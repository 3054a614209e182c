package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// notUndone are the states of records that are listed unless others are asked
// for: what is still to be taken back, and what was left in place.
var notUndone = []engine.RecordState{
	engine.RecordOpen, engine.RecordUndoing, engine.RecordKept, engine.RecordFailed, engine.RecordAbandoned,
}

// undos lists undo records in the order of their making: those that are not
// undone, those in the states a filter names, or with ?all=true all.
func (s *Server) undos(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	states, err := statesOf(q, "state", engine.RecordStates)
	if err != nil {
		return err
	}
	if states == nil && !q.flag("all") {
		states = notUndone
	}
	zone := s.zone()
	pages := func(ctx context.Context, at engine.Cursor, limit int, dst []byte) ([]byte, engine.Cursor, error) {
		records, next, err := s.engine.UndoRecords(ctx, engine.UndoQuery{States: states, Limit: limit, Cursor: at})
		if err != nil {
			return nil, "", err
		}
		return appendUndoElements(dst, records, zone), next, nil
	}
	return s.sendList(w, r, listing{name: "undos", query: q, pages: pages})
}

// undo shows one undo record.
func (s *Server) undo(w http.ResponseWriter, r *http.Request) error {
	id, err := undoID(r)
	if err != nil {
		return err
	}
	record, err := s.engine.UndoRecord(r.Context(), id)
	if err != nil {
		return err
	}
	return s.sendUndo(w, r, http.StatusOK, record, nil)
}

// retryUndo has a record executed now. The answer does not wait for what comes
// of it.
func (s *Server) retryUndo(w http.ResponseWriter, r *http.Request) error {
	id, err := undoID(r)
	if err != nil {
		return err
	}
	record, err := s.engine.RetryUndo(r.Context(), id)
	if err != nil {
		return err
	}
	return s.sendUndo(w, r, http.StatusAccepted, record, nil)
}

// abandonUndo gives a record up. Somebody decides to leave a harm in place, so
// a reason is asked for; what the body calls itself does not matter.
func (s *Server) abandonUndo(w http.ResponseWriter, r *http.Request) error {
	body, err := readJSON(w, r)
	if err != nil {
		return err
	}
	d, warnings, err := s.parseAbandonment(body)
	if err != nil {
		return err
	}
	id, err := undoID(r)
	if err != nil {
		return err
	}
	record, err := s.engine.AbandonUndo(r.Context(), id, byOf(r, d.by), d.reason)
	if err != nil {
		return err
	}
	note(w, "", d.reason)
	return s.sendUndo(w, r, http.StatusOK, record, warned{warnings})
}

// decision is who decides something, and why. Both may be "".
type decision struct{ by, reason string }

// parseAbandonment reads who gives a record up and why.
func (s *Server) parseAbandonment(body []byte) (decision, []string, error) {
	if err := validate(s.bodies.abandon, body); err != nil {
		return decision{}, nil, err
	}
	d, warnings, err := parseDecision(body, decisionMembers)
	if err == nil && d.reason == "" {
		const msg = "reason must say in words why the effect is left in place"
		err = invalid("/reason", invalidPayload(msg), msg)
	}
	return d, warnings, err
}

// parseDecision reads a valid object; the warnings tell which members are not
// among the known ones and were ignored.
func parseDecision(body []byte, known []string) (decision, []string, error) {
	members, err := membersOf(body)
	if err != nil {
		return decision{}, nil, err
	}
	d := decision{by: strings.TrimSpace(text(members["by"])), reason: strings.TrimSpace(text(members["reason"]))}
	return d, unknownMembers(members, known, ""), nil
}

// undoID reads the record's id out of the path. Only the form that is shown is
// an id: a number has one way to be written.
func undoID(r *http.Request) (engine.UndoID, error) {
	text := r.PathValue("id")
	id, err := engine.ParseUndoID(text)
	if err != nil || id.String() != text {
		return engine.UndoID{}, engine.Errorf(engine.CodeNotFound, "undo record not found %s", text)
	}
	return id, nil
}

// sendUndo answers with a record's document and the members of more.
func (s *Server) sendUndo(w http.ResponseWriter, r *http.Request, status int, u engine.UndoRecord, more any) error {
	var members []byte
	if more != nil {
		var err error
		if members, err = encode(more); err != nil {
			return err
		}
	}
	return sendBytes(w, r, status, halType, appendUndo(nil, &u, s.zone(), members))
}
