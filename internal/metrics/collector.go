package metrics

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// What is measured. Spans are in seconds; what counts says since when.
var (
	buildInfo = desc("build_info", "Always 1; the label tells the version of the daemon.", "version")

	leverEngaged = desc("lever_engaged", "Whether the lever is engaged (1): nothing starts.")
	halts        = desc("halts_total", "How often the lever was engaged since the daemon was started.")
	haltGone     = desc("halt_last_gone_seconds",
		"From the last engaging of the lever to the end of the last process that ran; 0 until then.")
	haltUndone = desc("halt_last_undone_seconds",
		"From the last engaging of the lever to the end of the last undo it asked for; 0 until then.")

	runsLive     = desc("runs_live", "Runs that are claimed or running.")
	limitReached = desc("limit_reached", "Whether the limit keeps something from starting now (1).", "limit")

	undos        = desc("undos", "Undo records in each state.", "state")
	undoAttempts = desc("undo_attempts_total",
		"Attempts to undo since the daemon was started, by the plugin's answer.", "outcome")
	undosFailed = desc("undos_failed_total",
		"Undo records given up since the daemon was started: their effect is in place.")

	all = []*prometheus.Desc{
		buildInfo, leverEngaged, halts, haltGone, haltUndone, runsLive, limitReached, undos, undoAttempts, undosFailed,
	}
)

// outcomes are shown from the start, so that a rate has something to begin at.
var outcomes = []engine.Outcome{
	engine.OutcomeUndone, engine.OutcomeNothingToDo, engine.OutcomeNotMine, engine.OutcomeRetry, engine.OutcomeFailed,
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("cmed", "", name), help, labels, nil)
}

// errStatus is what a client is told of a status that can't be read.
var errStatus = errors.New("the engine's status can't be read; the daemon's log says more")

// collector makes metrics of the engine's status at each scrape.
type collector struct {
	version string
	source  Source
	log     hclog.Logger
	timeout time.Duration
}

func newCollector(version string, source Source, log hclog.Logger, timeout time.Duration) *collector {
	return &collector{version: version, source: source, log: log, timeout: timeout}
}

// Describe sends what Collect may send.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range all {
		ch <- d
	}
}

// Collect asks the source, for at most the timeout. An error is logged and
// makes the scrape fail. It may be called concurrently.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	status, err := c.status()
	if err != nil {
		c.log.Error("metrics can't be told", "error", err)
		ch <- prometheus.NewInvalidMetric(buildInfo, errStatus)
		return
	}
	c.write(sink(ch), status)
}

// status asks the source. It runs in a goroutine of the registry's, where a
// panic would end the daemon: it is an error instead.
func (c *collector) status() (status engine.Status, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("status panicked: %v\n%s", p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	return c.source.Status(ctx)
}

// write sends all metrics of a status.
func (c *collector) write(to sink, status engine.Status) {
	to.gauge(buildInfo, 1, c.version)
	to.gauge(leverEngaged, truth(status.Lever.Engaged))
	to.counter(halts, status.Totals.Halts)
	to.gauge(haltGone, status.Totals.LastHaltGone.Seconds())
	to.gauge(haltUndone, status.Totals.LastHaltUndone.Seconds())
	to.gauge(runsLive, float64(status.Live))
	for _, limit := range status.Limits {
		to.gauge(limitReached, truth(limit.Reached), limit.Name)
	}
	for _, state := range engine.RecordStates {
		to.gauge(undos, float64(status.Undos[state]), string(state))
	}
	for _, outcome := range outcomes {
		to.counter(undoAttempts, status.Totals.UndoAttempts[outcome], string(outcome))
	}
	to.counter(undosFailed, status.Totals.UndosFailed)
}

// sink takes metrics.
type sink chan<- prometheus.Metric

func (s sink) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (s sink) counter(d *prometheus.Desc, value uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

// truth is 1 for true and 0 for false, as Prometheus wants it.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
