package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/clock"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/haltfile"
	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// daemon is the parts at work. Its life:
//
//  1. startDaemon takes the port, looks whether what it will need can be had, opens
//     the store, locks the state folder, takes the socket in it, scans the folders,
//     starts the scheduler, and only then serves. When a step fails, what was begun
//     is ended again. From the first steps on it can be halted.
//  2. serveFailed tells when it can't go on.
//  3. stop ends it in the opposite order.
type daemon struct {
	doors
	cfg      *config
	log      hclog.Logger
	store    *store.Store
	state    *stateLock
	clock    *clock.Watcher // nil where steps can't be seen
	haltFile *haltfile.File
	host     *host.Host
	engine   *engine.Engine
	server   *httpapi.Server
	observer *observer
	auditor  *auditor

	obeying     sync.WaitGroup
	disobey     context.CancelFunc // ends obeying
	open        bool               // the server serves
	serving     sync.WaitGroup
	serveFailed chan error
}

// startDaemon returns when the daemon serves. Ending ctx calls the start off.
// What halts receives engages the lever. stdout gets what only a person may see.
func startDaemon(
	ctx context.Context, cfg *config, log hclog.Logger, stdout io.Writer, halts <-chan struct{},
) (d *daemon, err error) {
	d = &daemon{cfg: cfg, log: log, observer: newObserver(log), serveFailed: make(chan error, 1)}
	defer func() {
		if err != nil {
			limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.shutdownLimit)
			defer cancel()
			err = errors.Join(err, d.stop(limit))
		}
	}()
	if err = d.openFront(ctx); err != nil {
		return d, err
	}
	if err = d.checkPlaces(); err != nil {
		return d, err
	}
	if d.store, err = openStore(cfg, store.WithCommitObserver(d.observer.metrics.Committed)); err != nil {
		return d, err
	}
	if d.state, err = lockState(cfg.stateDir); err != nil {
		return d, err
	}
	if err = d.watchHaltFile(); err != nil {
		return d, err
	}
	if err = d.openBack(ctx); err != nil {
		return d, err
	}
	log.Info("starting", "version", thisBuild().Version, "pid", os.Getpid()) // whom SIGUSR1 halts
	if d.host, err = newHost(cfg, d.store, d.observer.pluginChanged, log); err != nil {
		return d, err
	}
	d.auditor = newAuditor(d.audits(), log.Named("audit"))
	d.makeEngine(halts)
	if err = d.host.Start(ctx); err != nil {
		return d, fmt.Errorf("start the plugin host: %w", err)
	}
	d.warnOfPatterns()
	if err = d.engine.Start(ctx); err != nil {
		return d, fmt.Errorf("start the engine: %w", err)
	}
	if err = d.makeFirstKey(ctx, stdout); err != nil {
		return d, err
	}
	d.warnOfDoors()
	d.serve()
	return d, nil
}

// makeEngine puts the engine together and has it halt when told to.
func (d *daemon) makeEngine(halts <-chan struct{}) {
	settings := engineSettings(d.cfg, d.log)
	settings.ZoneAssumed = d.warnOfZone()
	settings.ClockChanged = d.watchClock()
	settings.HaltFile = d.haltFile
	settings.HaltFileChanged = d.haltFile.Changes()
	settings.Observe = d.observer.changed
	d.observer.record = func(c engine.Change) { d.auditor.observe(c, d.haltFile.Path()) }
	d.engine = engine.New(settings, d.store, d.host)
	d.makeServer()
	d.sayPolicy()
	var ctx context.Context
	ctx, d.disobey = context.WithCancel(context.Background())
	d.obeying.Go(func() { d.obey(ctx, halts) })
}

// obey engages the lever whenever told to.
func (d *daemon) obey(ctx context.Context, halts <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-halts:
			d.engine.EngageLever(ctx, "SIGUSR1", "the daemon received SIGUSR1")
			d.auditor.record(audit.Entry{Who: byDaemon, From: fromSignal, Action: "engage_lever", Detail: "SIGUSR1"})
		}
	}
}

func (d *daemon) watchHaltFile() error {
	f, err := haltfile.Watch(d.cfg.haltFile)
	if err != nil {
		return usagef("--%s: %w", optHaltFile, err)
	}
	d.haltFile = f
	if err := f.Polled(); err != nil {
		d.log.Warn("the halt file is looked at every 30 s only, since its folder can't be watched",
			"file", f.Path(), "error", err)
	}
	return nil
}

// warnOfZone says whether the zone is a guess that may surprise, and warns.
func (d *daemon) warnOfZone() bool {
	now := time.Now()
	if d.cfg.zoneChosen || !zonesDiffer(d.cfg.zone, time.Local, now) {
		return false
	}
	d.log.Warn(assumedZone(d.cfg.zone, time.Local, now))
	return true
}

// watchClock returns what announces steps of the clock; nil where nothing does.
func (d *daemon) watchClock() <-chan struct{} {
	w, err := clock.Watch()
	if err != nil {
		d.log.Warn("steps of the clock are noticed only shortly before something is due", "error", err)
		return nil
	}
	d.clock = w
	return w.Changes()
}

// makeServer puts the HTTP surface together.
func (d *daemon) makeServer() {
	hosts := d.cfg.allowedHosts
	if net.ParseIP(d.cfg.bindHost) == nil {
		hosts = append([]string{d.cfg.bindHost}, hosts...)
	}
	d.server = httpapi.NewServer(httpapi.Config{
		Version:        thisBuild().Version,
		Hosts:          hosts,
		CORSOrigins:    d.cfg.corsOrigins,
		Keys:           d.keys,
		Open:           d.openness(),
		TrustedProxies: d.cfg.trustedProxies,
		Audit:          d.audits(),
		Backup:         d.backup,
		Condition:      d.storeCondition,
		Metrics:        d.observer.metrics.Handler(d.sources()),
		Observe:        d.observer.metrics.Request,
		MaxConnections: maxConnections(),
	}, d.engine, d.log.Named("http"))
	d.observer.server.Store(d.server)
}

// runsUnderWay counts the runs that a stop waits for, as far as they can be
// listed at once.
func (d *daemon) runsUnderWay() string {
	runs, next, err := d.store.Executors(context.Background(), engine.ExecutorQuery{
		States: []engine.State{engine.Starting, engine.Running},
	})
	switch {
	case err != nil:
		return "unknown"
	case next != "":
		return fmt.Sprintf("more than %d", len(runs))
	default:
		return strconv.Itoa(len(runs))
	}
}

// warnOfHarms says what is left in place while no daemon runs.
func (d *daemon) warnOfHarms() {
	left, err := undosToCome(context.Background(), d.store)
	switch {
	case err != nil:
		d.log.Warn("whether harms are left in place can't be told", "error", err)
	case left.scheduled > 0:
		d.log.Warn("harms stay in place until the next start: nobody undoes them while no daemon runs",
			"open_records", left.open, "latest_undo_at", left.last.In(d.cfg.zone).Format(time.RFC3339))
	case left.open > 0:
		d.log.Warn("harms stay in place until the next start: nobody undoes them while no daemon runs",
			"open_records", left.open)
	}
}

// stop ends what was begun: no more requests, running attacks stopped and
// undone, then the rest. It may block somewhat longer than ctx.
func (d *daemon) stop(ctx context.Context) error {
	var errs []error
	note := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	if d.open {
		// Requests under way may wait for runs to end, and end with them.
		d.serving.Go(func() { note("end the requests", d.server.Shutdown(ctx)) })
	} else {
		note("close the port", d.closeUnserved())
	}
	var engineErr error
	if d.engine != nil {
		engineErr = d.engine.Shutdown(ctx)
	}
	d.serving.Wait()
	if d.disobey != nil {
		d.disobey()
		d.obeying.Wait()
	}
	note("bring the running attacks to rest", engineErr)
	if d.engine != nil {
		d.warnOfHarms()
	}
	if d.host != nil {
		note("end the plugin host", d.host.Close())
	}
	if d.auditor != nil {
		d.auditor.close(ctx)
	}
	if d.state != nil {
		note("let go of the state folder", d.state.Close())
	}
	if d.haltFile != nil {
		note("stop watching for the halt file", d.haltFile.Close())
	}
	if d.clock != nil {
		note("stop watching the clock", d.clock.Close())
	}
	if d.store != nil {
		note("close the store", d.store.Close())
	}
	return errors.Join(errs...)
}
