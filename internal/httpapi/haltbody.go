package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

const (
	// haltedOnRequest is the reason of a halt that gives none.
	haltedOnRequest = "halted on request"
	// haltBodyWait is how long a halt waits for a body that says who and why.
	haltBodyWait = 2 * time.Second
	// haltWait bounds how long a halt goes on whose client may have hung up.
	haltWait = 5 * time.Minute
)

// untilHalted is a request's context without its client: who hangs up has halted
// what they meant to all the same.
func untilHalted(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), haltWait)
}

// haltBody is the body of a call that stops something. It is optional, and
// nothing in it keeps the call from stopping.
type haltBody struct {
	schema  *schema.Schema
	members []string // known ones
	tells   string   // what is lost when it can't be read
	outcome string   // what is done all the same
}

// leverBody is what PUT /halt takes.
func (s *Server) leverBody() haltBody {
	return haltBody{s.bodies.lever, decisionMembers, "who and why", "the lever is engaged"}
}

// executorHaltBody is what the halts of an executor and of a plan take.
func (s *Server) executorHaltBody() haltBody {
	return haltBody{s.bodies.halt, haltMembers, "the reason", "the halt is carried out"}
}

// read reads who halts and why. What can't be read is left out, and a warning
// says so.
func (b haltBody) read(w http.ResponseWriter, r *http.Request) (decision, []string) {
	if r.ContentLength == 0 {
		return decision{}, nil
	}
	if x, ok := w.(*exchange); ok {
		x.hurry(haltBodyWait)
	}
	d, warnings, err := b.parse(w, r)
	if err != nil {
		w.Header().Set("Connection", "close") // what is left of the body is not worth reading
		return decision{}, []string{fmt.Sprintf("%s could not be read out of the body: %s; %s all the same",
			b.tells, problemOf(err).Detail, b.outcome)}
	}
	return d, warnings
}

// parse reads the body whatever its content type: curl calls what it sends a
// form unless it is told otherwise.
func (b haltBody) parse(w http.ResponseWriter, r *http.Request) (decision, []string, error) {
	body, err := readAll(w, r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return decision{}, nil, err
	}
	if err := checkJSON(body); err != nil {
		return decision{}, nil, invalid("", notJSON, err.Error())
	}
	if err := validate(b.schema, body); err != nil {
		return decision{}, nil, err
	}
	return parseDecision(body, b.members)
}
