package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// leverWait bounds how long an answer waits for the store.
const leverWait = 10 * time.Second

// lever shows the lever.
func (s *Server) lever(w http.ResponseWriter, r *http.Request) error {
	return s.sendLever(w, r, s.engine.Lever(), nil)
}

// engageLever stops everything. Nothing in the request's body keeps it from
// doing so, nor does a client that hangs up.
func (s *Server) engageLever(w http.ResponseWriter, r *http.Request) error {
	d, warnings := s.leverBody().read(w, r)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), leverWait)
	defer cancel()
	by, reason := byOf(r, d.by), cmp.Or(d.reason, haltedOnRequest)
	state := s.engine.EngageLever(ctx, by, reason)
	note(w, "", reason)
	if state.By != by || state.Reason != reason {
		warnings = append(warnings, "the lever was engaged already; who engaged it and why stay as they were")
	}
	return s.sendLever(w, r, state, warnings)
}

// releaseLever lets executors start again. ?by names who does it.
func (s *Server) releaseLever(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(q.Get("by")) > maxBy {
		return engine.Errorf(engine.CodeInvalid, "by is at most %d characters", maxBy)
	}
	state, err := s.engine.ReleaseLever(r.Context(), byOf(r, q.Get("by")))
	if err != nil {
		return err
	}
	return s.sendLever(w, r, state, nil)
}
