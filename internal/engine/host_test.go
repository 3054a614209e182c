package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// stage is a scripted engine.Host. Its processes are goroutines, its attacks
// and planners Go functions, so that a test's time can be a bubble's.
type stage struct {
	t        *testing.T
	launchIn time.Duration // how long a launch takes

	mu       sync.Mutex
	attacks  map[engine.Ref]attack
	planners map[engine.Ref]planner
	undo     func(engine.UndoCall) (engine.UndoAnswer, error)
	targets  func(engine.TargetsCall) ([]engine.Target, error)
	check    func(engine.Config) ([]string, error) // nil: no attack can
	checkIn  time.Duration                         // how long that takes
	withheld []string                              // what attacks ask for in vain
	effect   engine.Effect                         // of all attacks
	noDryRun bool
	silent   bool                // processes don't say that they have started
	stuck    []engine.ExecutorID // what Reap can't end
	launched int
	alive    int
	maxAlive int
	starts   []startSeen
	undos    []engine.UndoCall
	dead     context.Context // ends when the daemon is killed
	kill     context.CancelFunc
}

type startSeen struct {
	engine.Start
	at time.Time
}

type (
	attack  func(ctx context.Context, s engine.Start, sink engine.Sink) engine.Exit
	planner func(engine.PlanCall) (engine.Planned, error)
)

const (
	noop   = engine.Ref("test:Noop")
	listed = engine.Ref("test:Listed") // a planner: args {"at": [RFC 3339 …]}
)

func newStage(t *testing.T) *stage {
	s := &stage{
		t:        t,
		attacks:  map[engine.Ref]attack{noop: succeed},
		planners: map[engine.Ref]planner{listed: planListed},
		undo: func(engine.UndoCall) (engine.UndoAnswer, error) {
			return engine.UndoAnswer{Outcome: engine.OutcomeUndone}, nil
		},
	}
	s.revive()
	return s
}

// revive makes the stage usable by the next daemon after a kill.
func (s *stage) revive() {
	s.dead, s.kill = context.WithCancel(context.Background())
}

func succeed(context.Context, engine.Start, engine.Sink) engine.Exit {
	return engine.Exit{Finished: true}
}

func planListed(call engine.PlanCall) (engine.Planned, error) {
	var args struct{ At []time.Time }
	if err := json.Unmarshal(call.Config.Args(), &args); err != nil {
		return engine.Planned{}, err
	}
	var p engine.Planned
	for _, at := range args.At {
		p.Executions = append(p.Executions, engine.Execution{At: at})
	}
	return p, nil
}

const attackSchema = `{"type":"object","required":["ref"],"properties":{"ref":{"type":"string"},
	"args":{"type":"object","properties":{"token":{"type":"string","writeOnly":true},"n":{"type":"integer"}}}}}`

const plannerSchema = `{"type":"object","properties":{"ref":{"type":"string"},"args":{"type":"object"}}}`

func (s *stage) offer(kind engine.Kind, ref engine.Ref, doc string) engine.Offer {
	compiled, err := schema.Compile([]byte(doc))
	if err != nil {
		s.t.Fatal(err)
	}
	return engine.Offer{
		Descriptor: engine.Descriptor{
			Ref: ref, Kind: kind, Schema: json.RawMessage(doc), Effect: s.effect, CanUndo: true,
			CanDryRun: !s.noDryRun, CanListTargets: s.targets != nil, CanCheck: s.check != nil,
		},
		Digest: "d1", Plugin: "test", Compiled: compiled, EnvWithheld: s.withheld, EnvHint: "--flag",
	}
}

func (s *stage) Offer(kind engine.Kind, ref engine.Ref) (engine.Offer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.attacks[ref]; ok && kind == engine.KindAttack {
		return s.offer(kind, ref, attackSchema), nil
	}
	if _, ok := s.planners[ref]; ok && kind == engine.KindPlanner {
		return s.offer(kind, ref, plannerSchema), nil
	}
	return engine.Offer{}, engine.Errorf(engine.CodeNotFound, "unknown %s %q; did you mean %q?", kind, ref, noop)
}

func (s *stage) Offers(kind engine.Kind) []engine.Offer {
	var out []engine.Offer
	for ref := range s.attacks {
		if kind == engine.KindAttack {
			out = append(out, s.offer(kind, ref, attackSchema))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Ref < out[j].Ref })
	return out
}

func (s *stage) Plugins() []engine.PluginFile { return nil }
func (s *stage) Rescan(context.Context) error { return nil }

func (s *stage) Reap(context.Context) (engine.Reaped, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return engine.Reaped{Processes: len(s.stuck), Stuck: s.stuck}, nil
}

func (s *stage) Targets(_ context.Context, _ engine.Offer, call engine.TargetsCall) ([]engine.Target, error) {
	return s.targets(call)
}

func (s *stage) Check(ctx context.Context, _ engine.Offer, config engine.Config) ([]string, error) {
	select {
	case <-time.After(s.checkIn):
		return s.check(config)
	case <-ctx.Done():
		return nil, fmt.Errorf("check its config: %w", context.Cause(ctx))
	}
}

func (s *stage) Plan(_ context.Context, o engine.Offer, call engine.PlanCall) (engine.Planned, error) {
	return s.planners[o.Ref](call)
}

func (s *stage) Undo(ctx context.Context, call engine.UndoCall, log func(engine.LogEntry)) (engine.UndoAnswer, error) {
	s.mu.Lock()
	s.undos = append(s.undos, call)
	undo, dead := s.undo, s.dead
	s.mu.Unlock()
	if dead.Err() != nil || ctx.Err() != nil {
		return engine.UndoAnswer{}, errors.New("killed")
	}
	log(engine.LogEntry{At: time.Now(), Level: "info", Source: "undo", Message: "undoing"})
	return undo(call)
}

func (s *stage) Launch(ctx context.Context, o engine.Offer, id engine.ExecutorID) (engine.Process, error) {
	select {
	case <-time.After(s.launchIn):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.launched++
	s.alive++
	s.maxAlive = max(s.maxAlive, s.alive)
	return &actor{stage: s, id: id, run: s.attacks[o.Ref], dead: s.dead}, nil
}

func (s *stage) gone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive--
}

// actor is a process of the stage.
type actor struct {
	stage *stage
	id    engine.ExecutorID
	run   attack
	dead  context.Context
}

func (a *actor) PID() int { return 4711 }

func (a *actor) Isolation() []string { return []string{"test"} }

func (a *actor) Discard() { a.stage.gone() }

func (a *actor) Run(ctx context.Context, start engine.Start, sink engine.Sink) engine.Exit {
	defer a.stage.gone()
	if ctx.Err() != nil {
		return engine.Exit{Stopped: true, NotStarted: true, Err: context.Cause(ctx)}
	}
	a.stage.mu.Lock()
	a.stage.starts = append(a.stage.starts, startSeen{start, time.Now()})
	silent := a.stage.silent
	a.stage.mu.Unlock()
	if !silent {
		sink.Started(time.Now())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(a.dead, func() { cancel(errors.New("killed")) })
	defer stop()
	exit := a.run(ctx, start, sink)
	if a.dead.Err() != nil {
		return engine.Exit{Err: errors.New("the process died"), Status: engine.ExitStatus{Code: -1, Signal: "killed"}}
	}
	return exit
}

// startsOf says how often an executor was started.
func (s *stage) startsOf(id engine.ExecutorID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, start := range s.starts {
		if start.Executor == id {
			n++
		}
	}
	return n
}

func (s *stage) startsSeen() []startSeen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.starts)
}

func (s *stage) undone() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uint64
	for _, u := range s.undos {
		out = append(out, u.Record.Sequence)
	}
	return out
}

// hold runs until it is stopped, and answers then.
func hold(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
	<-ctx.Done()
	return engine.Exit{Finished: true, Stopped: true}
}

// lasting runs for d, or until stopped.
func lasting(d time.Duration) attack {
	return func(ctx context.Context, _ engine.Start, _ engine.Sink) engine.Exit {
		select {
		case <-time.After(d):
			return engine.Exit{Finished: true}
		case <-ctx.Done():
			return engine.Exit{Finished: true, Stopped: true}
		}
	}
}

// harming announces n undo records, then does as then does.
func harming(n uint64, then attack) attack {
	return func(ctx context.Context, start engine.Start, sink engine.Sink) engine.Exit {
		for i := uint64(1); i <= n; i++ {
			if err := sink.Undo(engine.NewUndo{Sequence: i, Record: json.RawMessage(`{}`)}); err != nil {
				return engine.Exit{Finished: true, Failure: &engine.Failure{Message: err.Error()}}
			}
		}
		return then(ctx, start, sink)
	}
}

func fails(context.Context, engine.Start, engine.Sink) engine.Exit {
	return engine.Exit{Finished: true, Failure: &engine.Failure{Message: "it did not work"}}
}
