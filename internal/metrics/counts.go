package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// counts are of what happens, since the daemon was started.
type counts struct {
	ended    *prometheus.CounterVec
	lag      prometheus.Histogram
	runs     *prometheus.HistogramVec
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	commits  prometheus.Histogram
	audited  prometheus.Counter
	unheard  prometheus.Counter
}

// The buckets, in seconds.
var (
	lagBuckets    = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	runBuckets    = []float64{.05, .25, 1, 5, 15, 60, 300, 900, 3600}
	answerBuckets = []float64{.001, .005, .025, .1, .5, 1, 5, 15}
	commitBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
)

func newCounts() counts {
	c := counts{
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cmed_executors_ended_total", Help: "Executors that came to a final state since the daemon was started.",
		}, []string{"state"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cmed_fire_lag_seconds", Help: "From the due time to the attack's first instruction.", Buckets: lagBuckets,
		}),
		runs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cmed_run_duration_seconds",
			Help:    "From the start of a run to its end. Runs that were lost are not among them: nobody saw their end.",
			Buckets: runBuckets,
		}, []string{"ref", "outcome"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cmed_http_requests_total", Help: "Requests that were answered, streams when they have ended.",
		}, []string{"method", "route", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cmed_http_request_duration_seconds", Help: "From a request to the end of its answer.", Buckets: answerBuckets,
		}, []string{"method", "route"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cmed_store_commit_duration_seconds", Help: "How long the store's transactions took to commit.", Buckets: commitBuckets,
		}),
		audited: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cmed_audit_entries_total", Help: "Entries made in the audit since the daemon was started.",
		}),
		unheard: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cmed_audit_failures_total", Help: "Entries that could not be made in the audit: what they were to say is in the log alone.",
		}),
	}
	for _, state := range engine.States { // from the start, so that a rate has something to begin at
		if state.Final() {
			c.ended.WithLabelValues(string(state))
		}
	}
	return c
}

func (c counts) all() []prometheus.Collector {
	return []prometheus.Collector{c.ended, c.lag, c.runs, c.requests, c.took, c.commits, c.audited, c.unheard}
}

// Changed counts a change.
func (m *Metrics) Changed(c engine.Change) {
	ex := c.Executor
	if ex == nil || c.Type != "executor."+string(ex.State) { // moved or deleted
		return
	}
	if ex.State == engine.Running && ex.Lag >= 0 {
		m.counts.lag.Observe(ex.Lag.Seconds())
	}
	if !ex.State.Final() {
		return
	}
	m.counts.ended.WithLabelValues(string(ex.State)).Inc()
	if !ex.Started.IsZero() && ex.State != engine.Lost {
		m.counts.runs.WithLabelValues(string(ex.AttackRef), string(ex.State)).Observe(ex.Finished.Sub(ex.Started).Seconds())
	}
}

// noRoute stands for the route of a request that none matched.
const noRoute = "none"

// Request counts a request that has been answered. route is the pattern that it
// matched, "" when it did none.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if route == "" {
		route = noRoute
	}
	m.counts.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.counts.took.WithLabelValues(method, route).Observe(took.Seconds())
}

// Committed counts a transaction of the store.
func (m *Metrics) Committed(took time.Duration) { m.counts.commits.Observe(took.Seconds()) }

// Audited counts an attempt to make an entry in the audit, which failed when
// there is an error.
func (m *Metrics) Audited(err error) {
	if err != nil {
		m.counts.unheard.Inc()
		return
	}
	m.counts.audited.Inc()
}
