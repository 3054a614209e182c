package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// problem is an answer that says what went wrong (RFC 9457). Msg is what
// clients of the Chaos Monkey Engine read.
type problem struct {
	Type   string           `json:"type"`
	Title  string           `json:"title"`
	Status int              `json:"status"`
	Detail string           `json:"detail"`
	Msg    string           `json:"msg"`
	Errors []engine.Problem `json:"errors,omitempty"`
}

// statuses maps the engine's codes to HTTP. A code that is not here is ours to
// mend: 500.
var statuses = map[engine.Code]int{
	engine.CodeInvalid:    http.StatusBadRequest,
	engine.CodeDenied:     http.StatusForbidden,
	engine.CodeNotFound:   http.StatusNotFound,
	engine.CodeConflict:   http.StatusConflict,
	engine.CodeLimited:    http.StatusConflict,
	engine.CodeReused:     http.StatusUnprocessableEntity,
	engine.CodeBusy:       http.StatusServiceUnavailable,
	engine.CodeUnwritable: http.StatusServiceUnavailable,
	engine.CodeClosed:     http.StatusServiceUnavailable,
	engine.CodeFull:       http.StatusInsufficientStorage, // RFC 4918
}

// retryAfter is what a client is told to wait before it tries again, in
// seconds, where trying again may help.
var retryAfter = map[engine.Code]string{
	engine.CodeBusy:       "1",
	engine.CodeUnwritable: "10",
}

// refusal is an error of HTTP itself, which the engine has no code for.
type refusal struct {
	status int
	msg    string
	header http.Header // goes with the answer; nil: none
}

func (e *refusal) Error() string { return e.msg }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, msg: fmt.Sprintf(format, args...)}
}

// unauthorized is a 401 as RFC 9110 and RFC 6750 want it. wrong: a key was shown.
func unauthorized(msg string, wrong bool) error {
	challenge := `Bearer realm="cmed"`
	if wrong {
		challenge += `, error="invalid_token"`
	}
	return &refusal{http.StatusUnauthorized, msg, http.Header{"Www-Authenticate": {challenge}}}
}

// tooManyLogins is a 429 that says how long to wait, in whole seconds.
func tooManyLogins(wait time.Duration) error {
	seconds := int64((wait + time.Second - 1) / time.Second)
	return &refusal{http.StatusTooManyRequests, fmt.Sprintf(tellTooMany, seconds), http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}}
}

// invalid is a 400 with one problem in the request's body. The message is the
// text that clients compare; detail may say more.
func invalid(pointer, msg, detail string) error {
	return &engine.Error{
		Code:     engine.CodeInvalid,
		Message:  msg,
		Problems: []engine.Problem{{Pointer: pointer, Message: detail}},
	}
}

// newProblem fills in what follows from the status.
func newProblem(status int, msg string) problem {
	return problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: msg, Msg: msg}
}

// internalProblem tells a client nothing but that it is not its fault.
func internalProblem() problem {
	return newProblem(http.StatusInternalServerError, "internal error; the daemon's log says more")
}

// problemOf says how an error looks from outside.
func problemOf(err error) problem {
	var (
		refused *refusal
		domain  *engine.Error
	)
	switch {
	case errors.As(err, &refused):
		return newProblem(refused.status, refused.msg)
	case errors.As(err, &domain) && statuses[domain.Code] != 0:
		p := newProblem(statuses[domain.Code], domain.Message)
		p.Errors = domain.Problems
		p.Detail = cmp.Or(detailOf(p.Errors), p.Detail)
		return p
	default:
		return internalProblem()
	}
}

// detailOf tells all problems in one text, each with its place.
func detailOf(problems []engine.Problem) string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Message
		if p.Hint != "" {
			texts[i] += " (" + p.Hint + ")"
		}
		if p.Pointer != "" {
			texts[i] = p.Pointer + ": " + texts[i]
		}
	}
	return strings.Join(texts, "; ")
}

// fail answers a request that came to err. If the answer has begun, it is cut
// off so that the client sees that it is not whole.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	gone := r.Context().Err() != nil && errors.Is(err, context.Canceled) || errors.Is(err, errKeyEnded)
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError && !gone {
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if x, ok := w.(*exchange); gone || ok && x.status != 0 {
		panic(http.ErrAbortHandler)
	}
	note(w, "", wordsFor(err))
	if refused, ok := errors.AsType[*refusal](err); ok {
		maps.Copy(w.Header(), refused.header)
	}
	if wait, known := retryAfter[engine.CodeOf(err)]; known {
		w.Header().Set("Retry-After", wait)
	}
	if p.Status == http.StatusRequestTimeout || p.Status == http.StatusRequestEntityTooLarge {
		// What is left of the body is not worth reading.
		w.Header().Set("Connection", "close")
	}
	s.sendProblem(w, r, p)
}
