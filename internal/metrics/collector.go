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

// What is asked for. Spans are in seconds; what counts says since when.
var (
	buildInfo = desc("build_info", "Always 1; the label tells the version of the daemon.", "version")

	leverEngaged = desc("lever_engaged", "Whether the lever is engaged (1): nothing starts.")
	leverDurable = desc("lever_durable", "Whether a restart would know how the lever is (1).")
	halts        = desc("halts_total", "How often the lever was engaged since the daemon was started.")
	haltGone     = desc("halt_last_gone_seconds",
		"From the last engaging of the lever to the end of the last process that ran; 0 until then.")
	haltUndone = desc("halt_last_undone_seconds",
		"From the last engaging of the lever to the end of the last undo it asked for; 0 until then.")

	executors    = desc("executors", "Executors that are stored, in each state.", "state")
	runsLive     = desc("runs_live", "Runs that are claimed or running.")
	processes    = desc("processes", "Plugin processes that are alive.")
	limitReached = desc("limit_reached", "Whether the limit keeps something from starting now (1).", "limit")

	undos        = desc("undos", "Undo records in each state.", "state")
	undoAttempts = desc("undo_attempts_total",
		"Attempts to undo since the daemon was started, by the plugin's answer.", "outcome")
	undosFailed = desc("undos_failed_total",
		"Undo records given up since the daemon was started: their effect is in place.")

	plugins = desc("plugins", "Files in the plugin folders, by their folder and what became of them.", "kind", "state")

	storeSize     = desc("store_size_bytes", "Size of the store's file.")
	storeFree     = desc("store_free_bytes", "Of the store's file, what is free for new records.")
	diskFree      = desc("store_disk_free_bytes", "What is free on the store's file system.")
	storeWritable = desc("store_writable", "Whether the store takes writes (1); not so either when it can't be asked.")

	eventReaders = desc("event_readers", "Clients that read the event stream.")
	eventDropped = desc("event_readers_dropped_total",
		"Clients dropped from the event stream since the daemon was started, because they were too slow.", "reason")
	events = desc("events_total", "Events published since the daemon was started.")

	asked = []*prometheus.Desc{
		buildInfo, leverEngaged, leverDurable, halts, haltGone, haltUndone, executors, runsLive, processes, limitReached,
		undos, undoAttempts, undosFailed, plugins, storeSize, storeFree, diskFree, storeWritable, eventReaders, eventDropped, events,
	}
)

// outcomes are shown from the start, so that a rate has something to begin at.
var outcomes = []engine.Outcome{
	engine.OutcomeUndone, engine.OutcomeNothingToDo, engine.OutcomeNotMine, engine.OutcomeRetry, engine.OutcomeFailed,
}

var (
	pluginKinds  = []engine.Kind{engine.KindAttack, engine.KindPlanner}
	pluginStates = []engine.PluginState{
		engine.PluginReady, engine.PluginBroken, engine.PluginConflict, engine.PluginIncompatible, engine.PluginIgnored,
	}
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("cmed", "", name), help, labels, nil)
}

// errStatus is what a client is told of a status that can't be read.
var errStatus = errors.New("the engine's status can't be read; the daemon's log says more")

// collector makes metrics of what the sources tell at each scrape.
type collector struct {
	version string
	from    Sources
	log     hclog.Logger
	timeout time.Duration
}

// Describe sends what Collect may send.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range asked {
		ch <- d
	}
}

// Collect asks the sources, for at most the timeout. An error is logged; one of
// the engine's makes the scrape fail, one of the store's leaves its sizes out and
// counts as a store that takes no writes.
// It may be called concurrently.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	var found findings
	if err := guarded(func() error { return c.ask(ctx, &found) }); err != nil {
		c.log.Error("metrics can't be told", "error", err)
		ch <- prometheus.NewInvalidMetric(buildInfo, errStatus)
		return
	}
	to := sink(ch)
	to.gauge(buildInfo, 1, c.version)
	to.lever(found.status)
	to.work(found.status)
	to.undo(found.status)
	to.plugins(found.plugins)
	if c.from.Processes != nil {
		to.gauge(processes, float64(found.processes))
	}
	switch {
	case found.store != nil:
		to.store(*found.store)
	case c.from.Store != nil: // an alert on a metric that is not there would never wake anybody
		to.gauge(storeWritable, truth(false))
	}
	if c.from.Readers != nil {
		to.readers(found.readers)
	}
}

// findings are what the sources told.
type findings struct {
	status    engine.Status
	plugins   []engine.PluginFile
	processes int
	store     *Store // nil: it is not known
	readers   Readers
}

// ask asks the sources.
func (c *collector) ask(ctx context.Context, found *findings) (err error) {
	if found.status, err = c.from.Engine.Status(ctx); err != nil {
		return err
	}
	found.plugins = c.from.Engine.Plugins()
	if c.from.Processes != nil {
		found.processes = c.from.Processes()
	}
	if c.from.Store != nil {
		store, err := c.from.Store(ctx)
		if err != nil {
			c.log.Error("the store's metrics can't be told", "error", err)
		} else {
			found.store = &store
		}
	}
	if c.from.Readers != nil {
		found.readers = c.from.Readers()
	}
	return nil
}

// guarded calls fn in a goroutine of the registry's, where a panic would end the
// daemon: it is an error instead.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a source of metrics panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}
