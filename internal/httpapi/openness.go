package httpapi

// Openness says who may do everything without a key. It ends with the first key
// that is made, for good.
type Openness int

const (
	// Closed is for nobody.
	Closed Openness = iota
	// OpenHere is for callers on this machine: the listener is one of loopback.
	// Requests that say a proxy has passed them on are not from here.
	OpenHere
	// OpenToAll is for whoever reaches the server.
	OpenToAll
)

// opensTo says whether a request without a key may do everything.
func (s *Server) opensTo(passedOn bool) bool {
	if s.cfg.Keys != nil && s.cfg.Keys.Closed() {
		return false
	}
	return s.cfg.Open == OpenToAll || s.cfg.Open == OpenHere && !passedOn
}
