package awstest

import (
	"cmp"
	"io"
	"net/http"
	"slices"
)

// Fault is what goes wrong with calls of an action ("*": any). It strikes after
// the signature was checked. A call gets the oldest fault that is for it and is
// not used up.
type Fault struct {
	Action string
	Times  int // how many calls; 0 is 1, negative: all
	// One of these.
	Throttle bool   // RequestLimitExceeded
	Code     string // an EC2 error with this code, and Status
	Status   int    // 503 if 0
	Body     string // this body with Status (200 if 0), whatever it is
	Hang     bool   // no answer until the client goes away or the server closes
	Drop     bool   // the change is made, and the connection closed without an answer
}

// Inject adds a fault.
func (s *Server) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// fault returns the one that the call gets, and uses it.
func (s *Server) fault(action string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.Action == action || f.Action == "*" })
	if i < 0 {
		return Fault{}, false
	}
	f := s.faults[i]
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	}
	return *f, true
}

// failure is the error that a fault answers with, nil if it does something else.
func (f Fault) failure() *apiError {
	switch {
	case f.Throttle:
		return fail(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case f.Code != "":
		return fail(cmp.Or(f.Status, http.StatusServiceUnavailable), f.Code, "The server was told to fail.")
	default:
		return nil
	}
}

// strike does to the call what the fault is. Before it drops a connection it
// does what was asked.
func (s *Server) strike(f Fault, w http.ResponseWriter, q *query) {
	switch {
	case f.Hang:
		select {
		case <-q.http.Context().Done():
		case <-s.closing:
		}
	case f.Drop:
		// Whether it could be done is seen in the server's state.
		_, _ = s.perform(q)
	default:
		w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
		_, _ = io.WriteString(w, f.Body) // the client may be gone
		return
	}
	panic(http.ErrAbortHandler) // closes the connection
}
