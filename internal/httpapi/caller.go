package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// Callers that are known without a key.
const (
	socketName  = "this machine's administrator"
	socketFrom  = "socket"
	anybodyName = "anybody"
	nobodyName  = "nobody"
)

// What a client without a right to be here is told.
const (
	howToMakeKey = `an administrator makes one on the daemon's machine with "cmed key create"`
	tellNoKey    = `this needs an API key, sent in the header "Authorization: Bearer cmed_…"; ` + howToMakeKey
	tellNoForm   = `the Authorization header holds no API key of this server: it must be "Bearer cmed_…", given once`
	tellUnknown  = "this server does not know that API key; " + howToMakeKey
	tellExpired  = "the API key has expired; " + howToMakeKey
	tellRevoked  = "the API key has been revoked; " + howToMakeKey
	tellTooMany  = "too many requests with a wrong API key came from this address; the next one may come in %d s"
	tellPassedOn = "the API is open to callers on this machine only, and a proxy has passed this request on; " + howToMakeKey
)

// identify finds out who calls. The error is for the case that the caller is
// Nobody: what to answer when more is needed.
func (s *Server) identify(r *http.Request) (access.Caller, error) {
	if overSocket(r) && !isPassedOn(r) { // a proxy that calls over it is no administrator
		return access.Caller{Name: socketName, Role: access.Admin, From: socketFrom}, nil
	}
	addr := clientAddress(r, s.cfg.TrustedProxies)
	caller := access.Caller{Name: nobodyName, Role: access.Nobody, From: showAddress(addr)}
	if shown, given := r.Header["Authorization"]; given {
		key, err := s.identifyKey(shown)
		if err != nil {
			return caller, s.failedLogin(addr, err)
		}
		caller.Key, caller.Name, caller.Role = key.ID, key.Name, key.Role
		caller.Limits, caller.Expires = key.Limits, key.Expires
		return caller, nil
	}
	switch passedOn := isPassedOn(r); {
	case s.opensTo(passedOn):
		caller.Name, caller.Role = anybodyName, access.Admin
		return caller, nil
	case passedOn && s.opensTo(false):
		return caller, unauthorized(tellPassedOn, false)
	default:
		return caller, unauthorized(tellNoKey, false)
	}
}

// mayStill says whether somebody who was let in would be again.
func (s *Server) mayStill(caller access.Caller) bool {
	if caller.Key == "" {
		return s.opensTo(false)
	}
	key, known := s.cfg.Keys.Key(caller.Key)
	return known && key.Live(time.Now())
}

// errNoForm is returned for an Authorization header that can't hold a key.
var errNoForm = errors.New("no key in the Authorization header")

// identifyKey finds the key that an Authorization header shows (RFC 6750).
func (s *Server) identifyKey(shown []string) (access.Key, error) {
	scheme, secret, _ := strings.Cut(strings.TrimSpace(strings.Join(shown, ",")), " ")
	secret = strings.TrimSpace(secret)
	if len(shown) != 1 || !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return access.Key{}, errNoForm
	}
	if s.cfg.Keys == nil {
		return access.Key{}, access.ErrUnknownKey
	}
	return s.cfg.Keys.Identify(secret)
}

// failedLogin counts a wrong key, has it recorded, and returns what to answer.
func (s *Server) failedLogin(addr netip.Addr, why error) error {
	attempt := s.logins.fail(addr, time.Now())
	if attempt.record {
		s.recordLogin(addr, loginWords(why), attempt.unrecorded)
	}
	if attempt.wait > 0 {
		return tooManyLogins(attempt.wait)
	}
	return unauthorized(loginWords(why), true)
}

// loginWords tells what is wrong with a key. It never repeats what was sent.
func loginWords(err error) string {
	switch {
	case errors.Is(err, errNoForm):
		return tellNoForm
	case errors.Is(err, access.ErrExpired):
		return tellExpired
	case errors.Is(err, access.ErrRevoked):
		return tellRevoked
	default:
		return tellUnknown
	}
}

// callerOf is who calls.
func callerOf(r *http.Request) access.Caller { return access.CallerOf(r.Context()) }

// byOf names who does something, for what the engine keeps of it: as the request
// says, and with the key, which it can't choose.
func byOf(r *http.Request, said string) string {
	caller := callerOf(r)
	switch {
	case caller.Key != "" && said == "":
		return "key " + caller.Name
	case caller.Key != "":
		return said + " (key " + caller.Name + ")"
	case strings.HasPrefix(said, "the halt file ") || said == "SIGUSR1":
		return said + ", says the API client " + caller.From // what only the daemon itself says
	case said != "":
		return said
	case caller.From == socketFrom:
		return caller.Name
	default:
		return "API client " + caller.From
	}
}

// withCaller returns the request with its caller in the context.
func withCaller(r *http.Request, c access.Caller) *http.Request {
	return r.WithContext(access.WithCaller(r.Context(), c))
}

// isAnybody says whether somebody may do everything without having shown who
// they are. Then the names by which the server is called matter.
func isAnybody(ctx context.Context) bool {
	caller := access.CallerOf(ctx)
	return caller.Role == access.Admin && caller.Key == "" && caller.From != socketFrom
}
