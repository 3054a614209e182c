// Package metrics shows the state of the engine to Prometheus.
//
// Nothing is counted here: a scrape asks the engine for its status and writes
// it down as metrics, beside those of the Go runtime and of the process. The
// handler is served by httpapi and wired in the command. It must never bring
// the daemon down or hang on it: a status that can't be read, or not in time,
// is a scrape that fails.
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

// Source tells how the engine is; it is *engine.Engine.
type Source interface {
	Status(ctx context.Context) (engine.Status, error)
}

// NewHandler returns a handler that answers scrapes with the status of the
// source, in the text format or OpenMetrics. It answers 500 when the status
// can't be read, and 503 when that takes too long or too many scrapes come at
// once. version is that of the daemon.
func NewHandler(version string, source Source, log hclog.Logger) http.Handler {
	return newHandler(version, source, log, bounds{statusTimeout, answerTimeout})
}

// bounds are how long the parts of a scrape may take.
type bounds struct{ status, answer time.Duration }

func newHandler(version string, source Source, log hclog.Logger, limit bounds) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(version, source, log, limit.status),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.HTTPErrorOnError,
		Timeout:             limit.answer,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
	})
}
