package awstest

// Call is a request that came in, to the metadata service too.
type Call struct {
	Action string // of the metadata service: method and path
	Region string // of its signature
	Key    string // access key id; empty if it was not signed
	DryRun bool
	Params map[string]string
	// Code is the error it got, "Fault" where one gave it no answer or another
	// one; empty: it was answered.
	Code string
}

// Calls returns all requests so far, in the order in which they came. One that
// hangs is among them.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
	}
	return calls
}

// record notes a call.
func (s *Server) record(c Call) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, &c)
	return &c
}

// ended notes what a call got.
func (s *Server) ended(c *Call, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Code = code
}
