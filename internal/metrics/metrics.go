// Package metrics shows the daemon to Prometheus.
//
// What happens is counted when it is told: changes by the engine, requests by
// the API, commits by the store. What is, is asked for at each scrape and
// written down as it is then, beside the metrics of the Go runtime and of the
// process. The handler is served by httpapi and wired in the command. It must
// never bring the daemon down or hang on it: a status that can't be read, or not
// in time, is a scrape that fails.
//
// Names and units follow https://prometheus.io/docs/practices/naming/.
package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// statusTimeout bounds how long a scrape waits for the engine. Prometheus
	// itself gives up after 10 s unless told otherwise.
	statusTimeout = 5 * time.Second
	// answerTimeout bounds a scrape whatever it hangs on.
	answerTimeout = 8 * time.Second
	// maxScrapes bounds the scrapes answered at once.
	maxScrapes = 4
)

// Metrics counts what it is told. Its methods may be called by several
// goroutines, and never block.
type Metrics struct {
	version string
	log     hclog.Logger
	limit   bounds
	counts  counts
}

// New returns metrics of a daemon of this version.
func New(version string, log hclog.Logger) *Metrics {
	return &Metrics{version: version, log: log, limit: bounds{statusTimeout, answerTimeout}, counts: newCounts()}
}

// bounds are how long the parts of a scrape may take.
type bounds struct{ status, answer time.Duration }

// Engine tells how the engine is; it is *engine.Engine.
type Engine interface {
	Status(ctx context.Context) (engine.Status, error)
	Plugins() []engine.PluginFile
}

// Sources are asked at each scrape. All but the engine may be nil: then there is
// no such metric.
type Sources struct {
	Engine Engine
	// Processes is how many plugin processes are alive.
	Processes func() int
	// Store may try out whether the store takes writes, until the context ends.
	Store   func(context.Context) (Store, error)
	Readers func() Readers
}

// Store tells how the store is. Sizes are in bytes.
type Store struct {
	Size, Free int64
	DiskFree   int64 // negative: not known
	Writable   bool
}

// Readers tells of those who read the events.
type Readers struct {
	Now int
	// Behind and Stuck count those that were dropped: see httpapi.EventReaders.
	Behind, Stuck uint64
	Events        uint64 // published
}

// Handler returns a handler that answers scrapes, in the text format or
// OpenMetrics. It answers 500 when the engine's status can't be read, and 503
// when that takes too long or too many scrapes come at once.
func (m *Metrics) Handler(from Sources) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{version: m.version, from: from, log: m.log, timeout: m.limit.status},
	)
	registry.MustRegister(m.counts.all()...)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.HTTPErrorOnError,
		Timeout:             m.limit.answer,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
	})
}
