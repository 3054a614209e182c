package main

import (
	"context"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi"
	"github.com/chaos-monkey-engine/cmed/internal/metrics"
)

// observer hands on what the engine, the plugin host and the others tell. It is
// there before any of them, and knows the server from when there is one: what
// changes before has no readers.
type observer struct {
	metrics *metrics.Metrics
	server  atomic.Pointer[httpapi.Server]
	// record is told of what may belong into the audit. It is set before the
	// engine is made.
	record func(engine.Change)
}

func newObserver(log hclog.Logger) *observer {
	return &observer{metrics: metrics.New(thisBuild().Version, log.Named("metrics"))}
}

// changed is engine.Settings.Observe.
func (o *observer) changed(c engine.Change) {
	o.metrics.Changed(c)
	if s := o.server.Load(); s != nil {
		s.Publish(c)
	}
	if o.record != nil {
		o.record(c)
	}
}

// pluginChanged is host.Config.Changed.
func (o *observer) pluginChanged(f engine.PluginFile) { o.changed(engine.PluginChange(f)) }

// sources are what the metrics ask at each scrape.
func (d *daemon) sources() metrics.Sources {
	return metrics.Sources{
		Engine:    d.engine,
		Processes: d.host.Processes,
		Store: func(ctx context.Context) (metrics.Store, error) {
			now, err := d.store.Condition()
			return metrics.Store{
				Size: now.Size, Free: now.Free, DiskFree: now.DiskFree, Writable: d.store.Writable(ctx) == nil,
			}, err
		},
		Readers: func() metrics.Readers {
			s := d.observer.server.Load()
			if s == nil {
				return metrics.Readers{}
			}
			now := s.EventReaders()
			return metrics.Readers{Now: now.Readers, Behind: now.Behind, Stuck: now.Stuck, Events: now.Published}
		},
	}
}
