package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

// Config says how the server behaves. The zero value lets in who calls over a
// unix socket, with the defaults below.
type Config struct {
	// Version of the daemon, shown in the entry document.
	Version string
	// Hosts are the names and addresses, besides those of loopback and the
	// address a connection arrived on, by which clients may call the server.
	// Without port.
	Hosts []string
	// CORSOrigins are the origins of web pages that may call the server
	// ("https://ops.example"); "*" is every page. Empty: none but its own.
	CORSOrigins []string
	// Keys knows to whom an API key belongs; nil: there are none.
	Keys *access.Keyring
	// Open says who may do everything as long as no key has ever been made.
	Open Openness
	// TrustedProxies are where requests may come from that say in
	// X-Forwarded-For on whose behalf. Empty: nobody is believed that.
	TrustedProxies []netip.Prefix
	// Audit keeps who did what; nil: nothing does.
	Audit audit.Store
	// Backup makes a consistent copy of the store; nil: there is none to be had.
	Backup func(ctx context.Context) (Backup, error)
	// Condition says how the store is: warnings while it works, and an error when
	// it can't be written. nil: nothing is known of it.
	Condition func(ctx context.Context) (warnings []string, err error)
	// Metrics answers at /metrics; nil: nothing does.
	Metrics http.Handler
	// Observe, if set, is told of each request when it has been answered: the
	// pattern of its route ("" when none matched), its method ("OTHER" for one
	// that HTTP does not know), and the status of the answer. It must not block.
	Observe func(route, method string, status int, took time.Duration)
	// MaxConnections bounds the connections of each listener; half of them may come
	// from one address that is neither loopback's nor a trusted proxy's. Default
	// 4,096.
	MaxConnections int
	// HeaderTimeout bounds the arrival of a request's headers, and a TLS
	// handshake. Default 10 s.
	HeaderTimeout time.Duration
	// IdleTimeout bounds how long a connection is kept on which nothing is asked.
	// Default 2 min.
	IdleTimeout time.Duration
	// BodyTimeout bounds the arrival of a request's body. Default 10 s.
	BodyTimeout time.Duration
	// WriteTimeout bounds each single write of an answer, so that a long
	// answer may take its time and a client that stopped reading may not.
	// Default 30 s.
	WriteTimeout time.Duration
	// Heartbeat is how often an idle event stream shows that it lives.
	// Default 15 s.
	Heartbeat time.Duration
	// Events bounds the stream of events.
	Events EventsConfig
	// MaxStreams bounds the logs followed at the same time. Default 128.
	MaxStreams int
	// SpoolDir holds what a long list can't keep in memory. Default: the
	// system's folder for temporary files.
	SpoolDir string
}

func (c Config) withDefaults() Config {
	c.MaxConnections = cmp.Or(c.MaxConnections, 4096)
	c.HeaderTimeout = cmp.Or(c.HeaderTimeout, 10*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 2*time.Minute)
	c.BodyTimeout = cmp.Or(c.BodyTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.MaxStreams = cmp.Or(c.MaxStreams, 128)
	c.Events = c.Events.withDefaults()
	return c
}
