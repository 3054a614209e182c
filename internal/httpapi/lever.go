package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// haltedOnRequest is the reason of a halt that gives none.
	haltedOnRequest = "halted on request"
	// leverBody is how long the lever waits for a body that says who and why.
	leverBody = 2 * time.Second
	// leverWait bounds how long an answer waits for the store.
	leverWait = 10 * time.Second
)

// lever shows the lever.
func (s *Server) lever(w http.ResponseWriter, r *http.Request) error {
	return s.sendLever(w, r, s.engine.Lever(), nil)
}

// engageLever stops everything. Nothing in the request's body keeps it from
// doing so, nor does a client that hangs up.
func (s *Server) engageLever(w http.ResponseWriter, r *http.Request) error {
	d, warnings := s.haltDecision(w, r)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), leverWait)
	defer cancel()
	by, reason := cmp.Or(d.by, clientOf(r)), cmp.Or(d.reason, haltedOnRequest)
	state := s.engine.EngageLever(ctx, by, reason)
	if state.By != by || state.Reason != reason {
		warnings = append(warnings, "the lever was engaged already; who engaged it and why stay as they were")
	}
	return s.sendLever(w, r, state, warnings)
}

// haltDecision reads who halts everything and why. What can't be read is left
// out, and a warning says so.
func (s *Server) haltDecision(w http.ResponseWriter, r *http.Request) (decision, []string) {
	if r.ContentLength == 0 {
		return decision{}, nil
	}
	if x, ok := w.(*exchange); ok {
		x.hurry(leverBody)
	}
	d, warnings, err := s.readDecision(w, r)
	if err != nil {
		w.Header().Set("Connection", "close") // what is left of the body is not worth reading
		return decision{}, []string{fmt.Sprintf("who and why could not be read out of the body: %s; "+
			"the lever is engaged all the same", problemOf(err).Detail)}
	}
	return d, warnings
}

// readDecision reads the body of the lever. Its content type does not matter:
// curl calls what it sends a form unless it is told otherwise.
func (s *Server) readDecision(w http.ResponseWriter, r *http.Request) (decision, []string, error) {
	body, err := readAll(w, r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return decision{}, nil, err
	}
	if err := checkJSON(body); err != nil {
		return decision{}, nil, invalid("", notJSON, err.Error())
	}
	if err := validate(s.bodies.lever, body); err != nil {
		return decision{}, nil, err
	}
	return parseDecision(body)
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
