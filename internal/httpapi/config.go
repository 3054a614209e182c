package httpapi

import (
	"cmp"
	"net/http"
	"time"
)

// Config says how the server behaves. The zero value serves loopback clients
// with the defaults below.
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
	// Metrics answers at /metrics; nil: nothing does.
	Metrics http.Handler
	// BodyTimeout bounds the arrival of a request's body. Default 10 s.
	BodyTimeout time.Duration
	// WriteTimeout bounds each single write of an answer, so that a long
	// answer may take its time and a client that stopped reading may not.
	// Default 30 s.
	WriteTimeout time.Duration
	// Heartbeat is how often an idle event stream shows that it lives.
	// Default 15 s.
	Heartbeat time.Duration
	// MaxStreams bounds the logs followed at the same time. Default 128.
	MaxStreams int
	// SpoolDir holds what a long list can't keep in memory. Default: the
	// system's folder for temporary files.
	SpoolDir string
}

func (c Config) withDefaults() Config {
	c.BodyTimeout = cmp.Or(c.BodyTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.MaxStreams = cmp.Or(c.MaxStreams, 128)
	return c
}
