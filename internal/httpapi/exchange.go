package httpapi

import (
	"net/http"
	"runtime/debug"
	"time"
)

// exchange is one request and its answer, as seen from outside the handlers. It
// is the ResponseWriter they write to: it notes what was sent and gives every
// write its own deadline.
type exchange struct {
	http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration // for one write
	start   time.Time
	route   string // the pattern that matched
	status  int    // 0 until something was sent
	// unknown is what to answer a caller who is Nobody where more is needed.
	unknown error
	// record is the request's entry in the audit; nil: it gets none.
	record *record
}

// newExchange begins an exchange. A body gets its deadline here, whether or not
// a handler will read it: net/http reads what is left of one. It also lifts the
// deadline when it has seen the body's end, so that a long call is not cut.
func newExchange(w http.ResponseWriter, r *http.Request, cfg Config) *exchange {
	x := &exchange{
		ResponseWriter: w,
		control:        http.NewResponseController(w),
		limit:          cfg.WriteTimeout,
		start:          time.Now(),
	}
	if r.ContentLength != 0 {
		// A writer that knows no deadlines is a test's.
		_ = x.control.SetReadDeadline(x.start.Add(cfg.BodyTimeout))
	}
	return x
}

// hurry gives the request's body less time, counted from now.
func (x *exchange) hurry(limit time.Duration) {
	_ = x.control.SetReadDeadline(time.Now().Add(limit))
}

func (x *exchange) WriteHeader(status int) {
	x.begin(status)
	x.arm()
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	x.begin(http.StatusOK)
	x.arm()
	return x.ResponseWriter.Write(p)
}

// FlushError sends what is buffered; http.ResponseController calls it.
func (x *exchange) FlushError() error {
	x.begin(http.StatusOK)
	x.arm()
	return x.control.Flush()
}

// begin notes the status of an answer that has not begun. Its outcome is known
// then, and goes on record before anybody else hears of it.
func (x *exchange) begin(status int) {
	if x.status == 0 {
		x.status = status
		x.record.settle(status)
	}
}

func (x *exchange) arm() { _ = x.control.SetWriteDeadline(time.Now().Add(x.limit)) }

// outcome is the status of an exchange that is over.
func (x *exchange) outcome(aborted bool) int {
	if x.status == 0 && aborted {
		x.record.abandon()
		return statusGone
	}
	x.begin(http.StatusOK) // what net/http sends for a handler that sent nothing
	return x.status
}

// statusGone stands for an answer that nobody waited for.
const statusGone = 499

// knownMethod keeps what a client makes up out of what is counted.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return method
	default:
		return "OTHER"
	}
}

// conclude ends an exchange: it answers for a handler that panicked, and logs.
func (s *Server) conclude(x *exchange, r *http.Request, panicked any) {
	aborted := panicked == any(http.ErrAbortHandler) // as net/http does
	if panicked != nil && !aborted {
		s.log.Error("request panicked", "method", r.Method, "route", x.route,
			"panic", panicked, "stack", string(debug.Stack()))
		if x.status == 0 {
			s.sendProblem(x, r, internalProblem())
		} else {
			aborted = true
		}
	}
	status, took := x.outcome(aborted), time.Since(x.start)
	s.log.Debug("request", "method", r.Method, "route", x.route, "caller", callerOf(r).Name, "status", status,
		"duration", took, "aborted", aborted)
	if s.cfg.Observe != nil {
		s.cfg.Observe(x.route, knownMethod(r.Method), status, took)
	}
	if aborted {
		// The client must not take half an answer for a whole one.
		panic(http.ErrAbortHandler)
	}
}
