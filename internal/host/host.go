package host

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/exposure"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/cgroup"
)

// Host is the plugins of one daemon. Its life:
//
//  1. New checks the config and makes the private folders.
//  2. Start looks at the plugin folders and begins to watch them.
//  3. Plan, Launch and Undo make calls, from any goroutine.
//  4. Close ends what still runs, and returns when all of it is gone.
//
// Reap may be called at any time between New and Close; what live calls own is
// left alone. Before Start is the best time.
type Host struct {
	cfg     Config
	log     hclog.Logger
	gate    *gate
	spawner *spawner
	live    *tracker
	copies  *copies
	memory  *memory
	runRoot string
	// describing bounds the descriptions under way.
	describing chan struct{}
	catalogue  atomic.Pointer[catalogue]

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // the watcher and the looks into files
	once   sync.Once
	// poke wakes the watcher to plan its next look anew.
	poke chan struct{}

	mu       sync.Mutex
	files    map[string]*file
	serving  serving
	reported *catalogue // the last one that was logged
	lookers  int
	settled  chan struct{} // closed when no file is being looked into
	runDirs  map[string]bool
	retained func(context.Context) (map[string]bool, error)
	missing  map[string]bool // folders that were reported as missing
	// making is held for reading while a run folder is made and not yet in
	// runDirs.
	making sync.RWMutex
	// tree holds a cgroup for each process; nil: they have none.
	tree *cgroup.Tree
	// hidden are the paths that no confined plugin sees, shown what each of them
	// sees of the system.
	hidden, shown []string
	// scripts, if set, says why the scripts folder is not used.
	scripts atomic.Pointer[engine.PluginError]
}

var _ engine.Host = (*Host)(nil)

// New returns a Host that does nothing yet. The error says what is wrong with
// the config or the state folder.
func New(cfg Config) (*Host, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := cfg.trySandbox(); err != nil {
		return nil, err
	}
	copies, err := openCopies(filepath.Join(cfg.StateDir, "plugins"))
	if err != nil {
		return nil, err
	}
	// What is executed is in there, and nobody looks at its content again.
	if e := exposure.Way(cfg.StateDir); os.Geteuid() == 0 && e != nil {
		return nil, fmt.Errorf("host: root does not use the state folder %s: %s", cfg.StateDir, notForRoot(cfg.StateDir, e))
	}
	if err := private(copies.dir, 0o700); err != nil {
		return nil, err
	}
	runRoot, err := cfg.openRunRoot()
	if err != nil {
		return nil, err
	}
	cfg.Hidden = append(slices.Clip(cfg.Hidden), runRoot)
	hidden, err := cfg.hiding()
	if err != nil {
		return nil, err
	}
	tree, err := cfg.openTree()
	if err != nil {
		return nil, err
	}
	h := &Host{
		cfg: cfg, log: cfg.Logger, gate: newGate(cfg.Spawning), spawner: newSpawner(), live: newTracker(),
		tree: tree, hidden: hidden, copies: copies, memory: &memory{cache: cfg.Cache, log: cfg.Logger}, runRoot: runRoot,
		describing: make(chan struct{}, describingAtOnce), poke: make(chan struct{}, 1),
		files: map[string]*file{}, serving: serving{}, runDirs: map[string]bool{}, missing: map[string]bool{},
		settled: closedChannel(),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.catalogue.Store(newCatalogue(nil, nil, cfg))
	h.prepareIsolation()
	return h, nil
}

// notForRoot says why root does not use a state folder, and what to do.
func notForRoot(dir string, e *exposure.Exposure) string {
	owner, err := user.LookupId(strconv.FormatUint(uint64(e.UID), 10))
	if e.Path == dir && e.UID != 0 && err == nil {
		return fmt.Sprintf("it belongs to %s; run it as that user: runuser -u %s -- cmed …", owner.Username, owner.Username)
	}
	return refusal(e, "root would execute what is in there").Message + "; name one that only root can change (--state-folder)"
}

// RetainDigests sets who says which copies are needed besides those that serve
// and run: those with open undo records, by digest. Without it no copy is ever
// removed. Call it before Start.
func (h *Host) RetainDigests(needed func(context.Context) (map[string]bool, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retained = needed
}

// Start looks at the folders, then watches them until Close. It returns when
// every file has been looked into, or at the latest when a description that
// hangs would have been given up: such a file never keeps the others waiting.
func (h *Host) Start(ctx context.Context) error {
	if err := h.copies.clearTemporary(); err != nil {
		return err
	}
	h.mu.Lock()
	h.memory.load(servingKey, &h.serving)
	h.mu.Unlock()
	w, err := newWatcher(h)
	if err != nil {
		return err
	}
	settled := h.scan(false)
	h.work.Go(w.run)
	timer := time.NewTimer(h.cfg.DescribeTimeout)
	defer timer.Stop()
	select {
	case <-settled:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	h.reportIdlePatterns()
	return nil
}

// Close ends every process, kindly at first, and returns when all are gone. The
// engine stops its runs before; what still runs then is stopped as by a
// terminated daemon.
func (h *Host) Close() error {
	var err error
	h.once.Do(func() {
		h.cancel()
		h.live.close()
		for _, c := range h.live.all() {
			c.cutLifeline()
			c.terminate()
		}
		deadline := time.Now().Add(h.cfg.TermGrace)
		for _, c := range h.live.all() {
			if !c.end(max(0, time.Until(deadline))) {
				err = errors.Join(err, errors.New("a plugin process can't be ended: "+c.mark))
			}
		}
		h.work.Wait()
		h.spawner.close()
		h.closeTree()
		h.leaveRunRoot()
	})
	return err
}

// Offers lists what can be used now, sorted by ref.
func (h *Host) Offers(kind engine.Kind) []engine.Offer {
	return slices.Clone(h.catalogue.Load().sorted[kind])
}

// Offer finds a ref or an alias. CodeNotFound with the nearest known refs in
// the message, and what is wrong with its plugin if there is one.
func (h *Host) Offer(kind engine.Kind, ref engine.Ref) (engine.Offer, error) {
	c := h.catalogue.Load()
	if o, ok := c.find(kind, ref); ok {
		return o, nil
	}
	return engine.Offer{}, c.unknown(kind, ref)
}

// Plugins lists every file seen, sorted by kind, then path.
func (h *Host) Plugins() []engine.PluginFile {
	return slices.Clone(h.catalogue.Load().files)
}

// Processes is how many plugin processes of this host are alive: those that run,
// wait for their start, plan, undo, or are asked what they offer.
func (h *Host) Processes() int { return h.live.count() }

// dir is the folder of a kind.
func (h *Host) dir(kind engine.Kind) string {
	if kind == engine.KindPlanner {
		return h.cfg.PlannersDir
	}
	return h.cfg.AttacksDir
}

// callName returns a name for a call that has no id of its own.
func (h *Host) callName(what string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return what + "-" + hex.EncodeToString(b[:])
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
