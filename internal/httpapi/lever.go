package httpapi

import (
	"cmp"
	"context"
	"net"
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
	by, reason := cmp.Or(d.by, clientOf(r)), cmp.Or(d.reason, haltedOnRequest)
	state := s.engine.EngageLever(ctx, by, reason)
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
	by := cmp.Or(q.Get("by"), clientOf(r))
	if utf8.RuneCountInString(by) > maxBy {
		return engine.Errorf(engine.CodeInvalid, "by is at most %d characters", maxBy)
	}
	state, err := s.engine.ReleaseLever(r.Context(), by)
	if err != nil {
		return err
	}
	return s.sendLever(w, r, state, nil)
}

// clientOf names who calls, for requests that do not say it.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return "API client " + host
}
