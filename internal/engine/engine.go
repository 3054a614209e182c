package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Engine plans, schedules and runs attacks. Its life:
//
//  1. New only puts it together.
//  2. Start settles what an earlier daemon left behind, then starts the
//     scheduler and the undo loop. From here on attacks run.
//  3. The other methods may be called, from any goroutine.
//  4. Shutdown stops what runs, has it undone, and leaves the rest to the next
//     Start.
type Engine struct {
	settings Settings
	store    Store
	host     Host
	log      hclog.Logger
	teller   *teller // nil: nobody is to be told

	live     *register // runs that have been claimed
	queue    *waitQueue
	starts   *startWindow
	lever    *lever
	undoing  *idSet    // executors whose records are being executed
	stuck    *idSet    // executors with a process that can't be ended
	inFlight *keySet   // idempotency keys being answered
	planning *waitRoom // planners running or waiting

	// keeping is set while changes of the lever are being stored.
	keeping atomic.Bool
	// leverStoring lets one at a time write the lever.
	leverStoring *waitRoom
	totals       totals
	// trouble is why the scheduler failed last; "" when it works.
	trouble atomic.Pointer[string]

	changed   broadcast     // something about an executor, its log or the lever changed
	wake      chan struct{} // the scheduler should look again
	undo      chan struct{} // the undo loop should look again
	quiet     chan struct{} // the time of day may be another
	leverKept chan struct{} // the lever is to be stored
	// stuckFound receives when there is a process that can't be ended.
	stuckFound chan struct{}

	// loops ends the scheduler; undos ends the undo loop; both with a cause.
	loops, undos           context.Context
	endLoops, endUndos     context.CancelFunc
	scheduling, background sync.WaitGroup

	began time.Time // when the loops were set going

	mu      sync.Mutex
	started bool
	closed  bool
}

// New returns an engine that is not yet at work.
func New(settings Settings, store Store, host Host) *Engine {
	s := settings.withDefaults()
	e := &Engine{
		settings: s,
		store:    store,
		host:     host,
		log:      s.Logger,
		live:     newRegister(),
		queue:    newWaitQueue(),
		starts:   &startWindow{},
		lever:    &lever{durable: true, zone: s.Zone},
		undoing:  newSet[ExecutorID](),
		stuck:    newSet[ExecutorID](),
		inFlight: newSet[string](),
		planning: newWaitRoom("plans are being made", 2*s.Cores, 64),

		leverStoring: newWaitRoom("changes of the lever are being stored", 1, 64),

		wake:      make(chan struct{}, 1),
		undo:      make(chan struct{}, 1),
		quiet:     make(chan struct{}, 1),
		leverKept: make(chan struct{}, 1),

		stuckFound: make(chan struct{}, 1),
	}
	if s.Observe != nil {
		e.teller = newTeller(s.Observe)
		e.store = &observedStore{store, e.teller}
	}
	e.loops, e.endLoops = context.WithCancel(context.Background())
	e.undos, e.endUndos = context.WithCancel(context.Background())
	return e
}

// Start settles what an earlier daemon left, then begins to schedule. The
// context bounds the settling only.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.loadLever(ctx); err != nil {
		return err
	}
	left, err := e.reconcile(ctx)
	if err != nil {
		return err
	}
	deletions, err := e.accepted(ctx, left.interrupted)
	if err != nil {
		return err
	}
	if err := e.countStarts(ctx); err != nil {
		return err
	}
	return e.begin(deletions)
}

// begin sets the engine's loops going.
func (e *Engine) begin(deletions map[string]removal) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	e.started = true
	e.began = time.Now()
	e.keeping.Store(true)
	e.scheduling.Go(e.schedule)
	loops := []func(){e.undoLoop, e.keepLever, e.watchHaltFile, e.watchQuiet, e.endStuck, e.tidy, e.watchClock}
	for _, loop := range loops {
		e.background.Go(loop)
	}
	e.background.Go(func() { e.retryGivenUp(0) })
	if e.lever.halts() {
		e.background.Go(e.seeOff)
	}
	for _, r := range deletions {
		e.background.Go(func() { e.removeLater(r) })
	}
	return nil
}

// Shutdown starts nothing more, gives unstarted executors back, stops and
// undoes what runs, and returns when all is at rest or ctx has ended. What is
// still open then is taken up by the next Start. The engine can't be started
// again.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	started := e.started
	e.started = false
	e.mu.Unlock()

	e.endLoops()
	e.scheduling.Wait()
	for _, r := range e.live.all() {
		r.callOff(backToScheduled)
		r.stop(&StopReason{State: Halted, Reason: "the daemon was shut down", Shutdown: true})
	}
	err := e.live.empty(ctx)
	if err == nil && started {
		err = e.undosAtRest(ctx)
	}
	e.endUndos()
	e.changed.notify()
	err = errors.Join(err, waitFor(ctx, &e.background))
	e.storeLast()
	return err
}

// inBackground has fn run by a goroutine that Shutdown waits for. It says
// whether there is still time for that.
func (e *Engine) inBackground(fn func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.background.Go(fn)
	return true
}

// Ready returns nil while the engine is at work.
func (e *Engine) Ready() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return errClosed
	case !e.started:
		return Errorf(CodeBusy, "the engine is starting")
	}
	return nil
}

// Zone is where times are shown, and read when they have no offset.
func (e *Engine) Zone() *time.Location { return e.settings.Zone }

// Offers is Host.Offers.
func (e *Engine) Offers(kind Kind) []Offer { return e.host.Offers(kind) }

// Offer is Host.Offer.
func (e *Engine) Offer(kind Kind, ref Ref) (Offer, error) { return e.host.Offer(kind, ref) }

// Plugins is Host.Plugins.
func (e *Engine) Plugins() []PluginFile { return e.host.Plugins() }

// Rescan is Host.Rescan.
func (e *Engine) Rescan(ctx context.Context) error { return e.host.Rescan(ctx) }

var errClosed = Errorf(CodeClosed, "the daemon is shutting down")

// poke makes the receiver of c look again; it never blocks.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
