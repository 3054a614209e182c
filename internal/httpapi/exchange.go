package httpapi

import (
	"cmp"
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
	if x.status == 0 {
		x.status = status
	}
	x.arm()
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	x.arm()
	return x.ResponseWriter.Write(p)
}

// FlushError sends what is buffered; http.ResponseController calls it.
func (x *exchange) FlushError() error {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	x.arm()
	return x.control.Flush()
}

func (x *exchange) arm() { _ = x.control.SetWriteDeadline(time.Now().Add(x.limit)) }

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
	s.log.Debug("request", "method", r.Method, "route", x.route, "status", cmp.Or(x.status, http.StatusOK),
		"duration", time.Since(x.start), "aborted", aborted)
	if aborted {
		// The client must not take half an answer for a whole one.
		panic(http.ErrAbortHandler)
	}
}
