package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// serveUntilStopped is the daemon's whole life.
func serveUntilStopped(ctx context.Context, cfg *config, p program) error {
	if err := checkForDaemon(cfg); err != nil {
		return err
	}
	setUmask()
	collectEagerly(p)
	// A defect ends the process by SIGABRT. Go's own exit code for it, 2, is that of
	// wrong options, after which a supervisor does not start a daemon anew.
	debug.SetTraceback("crash")
	if err := host.Harden(); err != nil {
		return fmt.Errorf("protect the process: %w", err)
	}
	log := newLogger(cfg, p.stderr)
	warnOfVariables(log, p.env)
	o, release := takeOrders(ctx, p.signals)
	defer release()

	d, err := startUnlessStopped(o, cfg, log, p.stdout)
	if err != nil || d == nil {
		return err
	}
	announce(p.stdout, d)
	failed := serveOrders(d, o)
	if err := shutDown(d, o); err != nil {
		return errors.Join(failed, err)
	}
	log.Info("stopped")
	return failed
}

// startUnlessStopped returns the daemon when it serves; nil when it was told to
// stop before that.
func startUnlessStopped(o *orders, cfg *config, log hclog.Logger, stdout io.Writer) (*daemon, error) {
	var d *daemon
	err := o.unlessForced(func() (err error) {
		d, err = startDaemon(o.stop, cfg, log, stdout, o.halt)
		return err
	})
	switch {
	case err == nil:
		return d, nil
	case o.stop.Err() != nil && o.force.Err() == nil:
		log.Info("stopped while starting", "cause", context.Cause(o.stop), "error", err)
		return nil, nil
	default:
		return nil, err
	}
}

// serveOrders returns when the daemon is told to stop, or with the reason why
// it can't go on.
func serveOrders(d *daemon, o *orders) (failed error) {
	rescans := startRescans(o, d)
	defer rescans.Wait()
	select {
	case <-o.stop.Done():
		d.log.Info("stopping; a second Ctrl-C or SIGTERM ends at once", "cause", context.Cause(o.stop),
			"limit", d.cfg.shutdownLimit, "waits_for_runs", d.runsUnderWay())
		return nil
	case failed = <-d.serveFailed:
		d.log.Error("stopping: the API can't be served any more", "error", failed)
		o.cancel(failed)
		return failed
	}
}

// overtime is how long the last steps of a shutdown may take when the time for
// it has run out: killing what is left and closing the store.
const overtime = 10 * time.Second

// errStuck is returned when not even that was enough.
var errStuck = errors.New("not everything came to rest in time; the next start takes it up")

// shutDown stops the daemon within its limit, or returns at once when told to.
func shutDown(d *daemon, o *orders) error {
	ctx, cancel := context.WithTimeout(context.Background(), d.cfg.shutdownLimit)
	defer cancel()
	stuck := time.AfterFunc(d.cfg.shutdownLimit+overtime, func() { o.forceNow(errStuck) })
	defer stuck.Stop()
	return o.unlessForced(func() error { return d.stop(ctx) })
}

// startRescans looks at the plugin folders and the certificate when told to, until
// told to stop.
func startRescans(o *orders, d *daemon) *sync.WaitGroup {
	group := &sync.WaitGroup{}
	group.Go(func() {
		for {
			select {
			case <-o.stop.Done():
				return
			case <-o.rescan:
			}
			if d.certificate != nil {
				d.certificate.Reload()
			}
			switch err := d.host.Rescan(o.stop); {
			case err == nil:
				d.log.Info("rescanned the plugin folders")
			case o.stop.Err() == nil:
				d.log.Error("the plugin folders could not be rescanned", "error", err)
			}
		}
	})
	return group
}

// announce writes the one line that cmed writes to standard output whenever it
// has started: it is ready, and where.
func announce(w io.Writer, d *daemon) {
	broken := 0
	for _, f := range d.engine.Plugins() {
		if isBroken(f) {
			broken++
		}
	}
	var missing strings.Builder
	for _, f := range d.cfg.folders() {
		if errors.Is(f.check(), fs.ErrNotExist) {
			missing.WriteString("; " + f.kind + " folder missing")
		}
	}
	lever := ""
	if state := d.engine.Lever(); state.Engaged {
		lever = "; lever engaged by " + printable(state.By)
	}
	fmt.Fprintf(w, "cmed %s is ready: %s%s (%s, %s, %d broken; zone %s%s%s)\n", thisBuild().Version,
		baseURL(d.listener, d.cfg.isEncrypted()), reach(d.listener),
		count(len(d.engine.Offers(engine.KindAttack)), "attack"),
		count(len(d.engine.Offers(engine.KindPlanner)), "planner"), broken, d.cfg.zone, missing.String(), lever)
}

// count is a number of things in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
