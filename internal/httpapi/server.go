package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// maxHeaderBytes bounds the headers of a request.
const maxHeaderBytes = 64 << 10

// warnPace is how often it is said that somebody wants too much.
var warnPace = pace{burst: 1, every: time.Minute}

var errStopping = errors.New("the server is stopping")

// Server answers HTTP requests out of an Engine.
//
//  1. NewServer makes it; Handler serves at once, which is all a test needs.
//  2. Serve accepts connections until Shutdown.
//  3. Shutdown ends the streams and waits for the requests under way.
type Server struct {
	cfg     Config
	engine  Engine
	log     hclog.Logger
	guard   guard
	bodies  bodySchemas
	router  http.Handler
	http    *http.Server
	streams chan struct{} // one place for each log that is followed
	feed    *feed

	logins      logins
	refusals    refusals
	sessions    sessions
	description description

	// stopping ends when Shutdown is called; streams end with it.
	stopping context.Context
	stop     context.CancelCauseFunc
}

// NewServer returns a server that is ready to serve.
func NewServer(cfg Config, eng Engine, log hclog.Logger) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg:     cfg,
		engine:  eng,
		log:     log,
		guard:   newGuard(cfg.Hosts, cfg.CORSOrigins),
		bodies:  compileBodySchemas(),
		streams: make(chan struct{}, cfg.MaxStreams),
		feed:    newFeed(cfg.Events, cfg.Heartbeat),
	}
	s.stopping, s.stop = context.WithCancelCause(context.Background())
	s.sessions.still = s.mayStill
	s.router = s.newRouter()
	// Deadlines of bodies and answers are set per request (exchange.go): a
	// WriteTimeout for the whole server would cut every stream.
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: cfg.HeaderTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       withConnection,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	return s
}

// Handler is the whole surface as one handler.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Serve accepts connections from ln, which it closes, and blocks until
// Shutdown, when it returns nil. It may be called for several listeners. Who
// comes over a unix socket is an administrator, unless a proxy says that it has
// passed the request on. With a tlsConfig, which may be nil, clients must speak TLS.
func (s *Server) Serve(ln net.Listener, tlsConfig *tls.Config) error {
	var bounded net.Listener = newBoundedListener(ln, s.cfg.MaxConnections, s.standsForMany, s.turnAway())
	if tlsConfig != nil {
		bounded = tls.NewListener(bounded, tlsConfig)
	}
	if err := s.http.Serve(bounded); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// standsForMany says whether many clients may come from an address: it is a trusted
// proxy's, or this machine's, whose users share it.
func (s *Server) standsForMany(addr netip.Addr) bool {
	return addr.IsLoopback() || isTrusted(addr, s.cfg.TrustedProxies)
}

// turnAway returns what a listener tells of addresses that want too many
// connections. It says so in the log, once a minute.
func (s *Server) turnAway() func(netip.Addr) {
	var calm time.Time
	return func(addr netip.Addr) {
		if warnPace.take(&calm, time.Now()) == 0 {
			s.log.Warn("an address has half of the connections there can be; more of it are closed at once", "from", addr)
		}
	}
}

// Shutdown stops accepting, ends the log streams and waits for the requests
// under way. Those that are not done when ctx ends are cut off, and Shutdown
// returns the context's error. It may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(errStopping)
	if err := s.http.Shutdown(ctx); err != nil {
		return fmt.Errorf("requests cut off: %w", errors.Join(err, s.http.Close()))
	}
	return nil
}

// serve takes one request through the stations of the package comment.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	x := newExchange(w, r, s.cfg)
	defer func() { s.conclude(x, r, recover()) }()
	setSecurityHeaders(x.Header())
	caller, unknown := s.identify(r)
	x.unknown = unknown
	r = withCaller(r, caller)
	handled, err := s.guard.admit(x, r)
	switch {
	case err != nil:
		s.fail(x, r, err)
	case !handled:
		s.router.ServeHTTP(x, r)
	}
}

// zone is the zone in which dates are shown and bare dates are read.
func (s *Server) zone() *time.Location { return s.engine.Zone() }

// planID reads the plan's id out of the path.
func planID(r *http.Request) (engine.PlanID, error) {
	id := r.PathValue("id")
	if !engine.ValidID(id) {
		return "", engine.Errorf(engine.CodeNotFound, "plan not found %s", id)
	}
	return engine.PlanID(id), nil
}

// executorID reads the executor's id out of the path.
func executorID(r *http.Request) (engine.ExecutorID, error) {
	id := r.PathValue("id")
	if !engine.ValidID(id) {
		return "", engine.Errorf(engine.CodeNotFound, "executor not found %s", id)
	}
	return engine.ExecutorID(id), nil
}
