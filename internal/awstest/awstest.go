// Package awstest is a small part of AWS on loopback, for tests and for trying
// things out without an account: EC2's query protocol, STS and the instance
// metadata service, with state, filters, pages, permissions and faults. It
// checks what it is sent, and it is asked what has become of an instance: the
// state counts, not what a client claims. Nothing is done without a right
// signature, but for the one action that AWS doesn't have signed either,
// AssumeRoleWithWebIdentity.
//
// It answers as AWS documents it, in the ways that surprise as well: instances
// come in no useful order, a page may be empty and yet not the last, an order to
// several instances is carried out for all or for none.
package awstest

import (
	"sync"
	"time"
)

// account is the number of the account that everything belongs to.
const account = "123456789012"

// Server is one account with its EC2 in one or more regions. Make it with New.
// Its methods are safe for concurrent use.
type Server struct {
	api, metadata listener
	closing       chan struct{} // closed by Close
	close         sync.Once

	mu        sync.Mutex // guards what follows
	keys      keyring
	roles     []*role
	sessions  map[string]time.Time // ends of the metadata service's tokens
	instances map[string]*instance // by id
	launches  map[string]*launch   // by region and client token
	made      int                  // ids, addresses and reservations made up so far
	settle    time.Duration
	denied    map[string]bool // by action
	faults    []*Fault
	calls     []*Call
}

// New returns a server that serves on a free port of loopback until Close. It
// accepts Credentials, those it hands out for a Role, and no others. It panics
// when loopback can't be listened on.
func New() *Server {
	s := &Server{
		closing:   make(chan struct{}),
		keys:      newKeyring(),
		sessions:  map[string]time.Time{},
		instances: map[string]*instance{},
		launches:  map[string]*launch{},
		denied:    map[string]bool{},
	}
	s.api.start(s.serveAPI)
	s.metadata.start(s.serveMetadata)
	return s
}

// Close ends it, calls that hang included. More than one Close is one.
func (s *Server) Close() {
	s.close.Do(func() {
		close(s.closing)
		s.api.stop()
		s.metadata.stop()
	})
}

// URL is its address: what AWS_ENDPOINT_URL is set to.
func (s *Server) URL() string { return s.api.url }

// MetadataURL is that of its instance metadata service: what
// AWS_EC2_METADATA_SERVICE_ENDPOINT is set to.
func (s *Server) MetadataURL() string { return s.metadata.url }

// Credentials are the long-lived ones it accepts.
func (s *Server) Credentials() Credentials { return s.keys.own }

// Env is the environment in which an AWS SDK uses this server, region and
// credentials included, as "NAME=value". An empty region is left out.
func (s *Server) Env(region string) []string {
	own := s.Credentials()
	env := []string{
		"AWS_ENDPOINT_URL=" + s.URL(),
		// Go's SDK (config v1.33) asks STS before it has read the line above.
		"AWS_ENDPOINT_URL_STS=" + s.URL(),
		"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + s.MetadataURL(),
		"AWS_ACCESS_KEY_ID=" + own.ID,
		"AWS_SECRET_ACCESS_KEY=" + own.Secret,
	}
	if region != "" {
		env = append(env, "AWS_DEFAULT_REGION="+region, "AWS_REGION="+region)
	}
	return env
}

// Deny has an action answer UnauthorizedOperation (of STS: AccessDenied), a dry
// run of it too.
func (s *Server) Deny(action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[action] = true
}

// Allow takes a Deny back.
func (s *Server) Allow(action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.denied, action)
}
