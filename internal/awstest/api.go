package awstest

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"time"
)

// action does what a request asks and returns the answer, which is encoded as
// XML. It is called with the server locked.
type action func(*Server, *query) (any, *apiError)

// service is one of those behind the address.
type service struct {
	name      string // as signatures call it
	version   string // of its API, which every request names
	namespace string // of its answers
	actions   map[string]action
	unsigned  map[string]bool // actions that need no signature
	refusals  map[refusal]apiError
	denied    apiError
	failure   func(*apiError) any // the answer that says an error
}

// serviceOf returns the service that has the version: that is how requests are
// told apart on one address. For others it is EC2.
func serviceOf(version string) *service {
	if version == sts.version {
		return sts
	}
	return ec2
}

// apiError is an error that a service answers with.
type apiError struct {
	status        int
	code, message string
}

func fail(status int, code, message string) *apiError { return &apiError{status, code, message} }

// serveAPI answers a request of any service.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call := s.record(q.call())
	s.linger(q)
	result, refused := any(nil), s.admit(q)
	if refused == nil {
		f, struck := s.fault(q.action)
		if refused = f.failure(); struck && refused == nil {
			s.ended(call, "Fault")
			s.strike(f, w, q)
			return
		}
	}
	if refused == nil {
		result, refused = s.perform(q)
	}
	if refused != nil {
		s.ended(call, refused.code)
		answer(w, refused.status, q.service.failure(refused))
		return
	}
	name := xml.Name{Space: q.service.namespace, Local: q.action + "Response"}
	answer(w, http.StatusOK, response{name, result})
}

// latency is how long each answer takes at least. AWS's is longer, and its client
// for Go relies on that: smithy-go v1.28 closes a request's body when the answer
// begins, and on loopback that is now and then before Go's transport has seen
// that the body has ended, which then drops the connection in mid-answer.
const latency = 2 * time.Millisecond

// linger waits for the latency.
func (s *Server) linger(q *query) {
	wait := time.NewTimer(latency)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.closing:
	case <-q.http.Context().Done():
	}
}

// admit checks who sends the request and that it is one of the service's.
func (s *Server) admit(q *query) *apiError {
	switch sv := q.service; {
	case q.http.URL.Path != "/":
		return fail(http.StatusNotFound, "InvalidAction", "There is nothing at "+q.http.URL.Path+".")
	case q.http.Method != http.MethodPost && q.http.Method != http.MethodGet:
		return fail(http.StatusMethodNotAllowed, "InvalidAction", "Requests are GET or POST.")
	case !sv.unsigned[q.action]:
		k, why := s.authenticate(q)
		if why != 0 {
			refused := sv.refusals[why]
			return &refused
		}
		q.signer = k
	}
	switch version := q.get("Version"); {
	case q.action == "":
		return fail(http.StatusBadRequest, "MissingAction", "The request must contain the parameter Action.")
	case version != q.service.version:
		return fail(http.StatusBadRequest, "NoSuchVersion",
			"The requested version ("+version+") of the service does not exist.")
	case q.service.actions[q.action] == nil:
		return fail(http.StatusBadRequest, "InvalidAction",
			"The action "+q.action+" is not valid for this web service.")
	}
	return nil
}

// perform does what an admitted request asks.
func (s *Server) perform(q *query) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.denied[q.action] {
		return nil, &q.service.denied
	}
	s.settleAll(time.Now())
	return q.service.actions[q.action](s, q)
}

// response is an answer under its name.
type response struct {
	name    xml.Name
	content any
}

// MarshalXML writes it.
func (r response) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(r.content, xml.StartElement{Name: r.name})
}

// answer sends a document.
func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, err := io.WriteString(w, xml.Header)
	err = errors.Join(err, xml.NewEncoder(w).Encode(document))
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

// requestID makes the id that is in every answer.
func requestID() string { return random(32) }
