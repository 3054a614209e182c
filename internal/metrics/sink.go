package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

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

func (s sink) lever(status engine.Status) {
	s.gauge(leverEngaged, truth(status.Lever.Engaged))
	s.gauge(leverDurable, truth(status.Lever.Durable))
	s.counter(halts, status.Totals.Halts)
	s.gauge(haltGone, status.Totals.LastHaltGone.Seconds())
	s.gauge(haltUndone, status.Totals.LastHaltUndone.Seconds())
}

func (s sink) work(status engine.Status) {
	for _, state := range engine.States {
		s.gauge(executors, float64(status.Executors[state]), string(state))
	}
	s.gauge(runsLive, float64(status.Live))
	for _, limit := range status.Limits {
		s.gauge(limitReached, truth(limit.Reached), limit.Name)
	}
}

func (s sink) undo(status engine.Status) {
	for _, state := range engine.RecordStates {
		s.gauge(undos, float64(status.Undos[state]), string(state))
	}
	for _, outcome := range outcomes {
		s.counter(undoAttempts, status.Totals.UndoAttempts[outcome], string(outcome))
	}
	s.counter(undosFailed, status.Totals.UndosFailed)
}

func (s sink) plugins(files []engine.PluginFile) {
	type group struct {
		kind  engine.Kind
		state engine.PluginState
	}
	found := map[group]int{}
	for _, f := range files {
		found[group{f.Kind, f.State}]++
	}
	for _, kind := range pluginKinds {
		for _, state := range pluginStates {
			s.gauge(plugins, float64(found[group{kind, state}]), string(kind), string(state))
		}
	}
}

func (s sink) store(now Store) {
	s.gauge(storeSize, float64(now.Size))
	s.gauge(storeFree, float64(now.Free))
	if now.DiskFree >= 0 {
		s.gauge(diskFree, float64(now.DiskFree))
	}
	s.gauge(storeWritable, truth(now.Writable))
}

func (s sink) readers(now Readers) {
	s.gauge(eventReaders, float64(now.Now))
	s.counter(eventDropped, now.Behind, "behind")
	s.counter(eventDropped, now.Stuck, "stuck")
	s.counter(events, now.Events)
}
