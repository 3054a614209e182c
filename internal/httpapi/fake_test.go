package httpapi

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// fakeEngine is an engine that does as it is told: it holds what it is given,
// notes each call that would change something, and fails where fail says so.
type fakeEngine struct {
	mu      sync.Mutex
	changes []string // calls that would change something

	plans     []engine.Plan
	executors []engine.Executor
	runs      map[engine.ExecutorID]engine.Run
	undos     map[engine.ExecutorID][]engine.UndoRecord
	logs      map[engine.ExecutorID][]engine.LogEntry
	offers    []engine.Offer
	files     []engine.PluginFile
	zone      *time.Location

	halted engine.LeverState
	status engine.Status

	created  engine.Created
	preview  engine.Preview
	deletion engine.Deletion
	warnings []string
	fail     map[string]error // by method
	follow   func(ctx context.Context, after uint64) iter.Seq2[engine.LogEntry, error]

	spec    engine.PlanSpec      // of the last CreatePlan or PreviewPlan
	query   engine.ExecutorQuery // of the last Executors
	asked   engine.UndoQuery     // of the last UndoRecords
	limits  []int                // of all Executors, Plans and UndoRecords
	moved   time.Time            // by the last MoveExecutor
	reason  string               // of the last halt
	by      string               // who held the lever, or abandoned, last
	abandon bool                 // of the last deletion
	onPage  func()               // called before each page
	// onEngage is called by EngageLever before it does anything.
	onEngage func(ctx context.Context)
	// onCreate is called by CreatePlan before it does anything.
	onCreate func(ctx context.Context)
}

func (f *fakeEngine) changed(what string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes = append(f.changes, fmt.Sprintf(what, args...))
}

func (f *fakeEngine) CreatePlan(ctx context.Context, spec engine.PlanSpec) (engine.Created, error) {
	if f.onCreate != nil {
		f.onCreate(ctx)
	}
	f.changed("create %s", spec.Name)
	f.spec = spec
	return f.created, f.fail["CreatePlan"]
}

func (f *fakeEngine) PreviewPlan(_ context.Context, spec engine.PlanSpec) (engine.Preview, error) {
	f.spec = spec
	return f.preview, f.fail["PreviewPlan"]
}

func (f *fakeEngine) Plan(_ context.Context, id engine.PlanID) (engine.Plan, error) {
	for _, p := range f.plans {
		if p.ID == id {
			return p, f.fail["Plan"]
		}
	}
	return engine.Plan{}, engine.Errorf(engine.CodeNotFound, "plan not found %s", id)
}

func (f *fakeEngine) Plans(_ context.Context, q engine.PlanQuery) ([]engine.Plan, engine.Cursor, error) {
	var found []engine.Plan
	for _, p := range f.plans {
		if q.All || !p.Counts.Executed() {
			found = append(found, p)
		}
	}
	f.limits = append(f.limits, q.Limit)
	return page(found, q.Cursor, q.Limit, f.fail["Plans"])
}

func (f *fakeEngine) DeletePlan(_ context.Context, id engine.PlanID, abandon bool) (engine.Deletion, error) {
	f.changed("delete %s", id)
	f.abandon = abandon
	return f.deletion, f.fail["DeletePlan"]
}

func (f *fakeEngine) HaltPlan(ctx context.Context, id engine.PlanID, reason string) (int, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	f.changed("halt %s", id)
	f.reason = reason
	return 3, f.fail["HaltPlan"]
}

func (f *fakeEngine) Executor(_ context.Context, id engine.ExecutorID) (engine.Executor, error) {
	for _, e := range f.executors {
		if e.ID == id {
			return e, f.fail["Executor"]
		}
	}
	return engine.Executor{}, engine.Errorf(engine.CodeNotFound, "executor not found %s", id)
}

func (f *fakeEngine) Executors(_ context.Context, q engine.ExecutorQuery) ([]engine.Executor, engine.Cursor, error) {
	if f.onPage != nil {
		f.onPage()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []engine.Executor
	for _, e := range f.executors {
		if (q.Plan == "" || e.PlanID == q.Plan) && (q.States == nil || slices.Contains(q.States, e.State)) {
			found = append(found, e)
		}
	}
	f.query = q
	f.limits = append(f.limits, q.Limit)
	return page(found, q.Cursor, q.Limit, f.fail["Executors"])
}

// page cuts a page out of a list. The cursor is a position.
func page[T any](list []T, at engine.Cursor, limit int, err error) ([]T, engine.Cursor, error) {
	if err != nil {
		return nil, "", err
	}
	start := 0
	if at != "" {
		if start, err = strconv.Atoi(string(at)); err != nil {
			return nil, "", engine.Errorf(engine.CodeInvalid, "%q is no cursor", at)
		}
	}
	end := min(start+limit, len(list))
	next := engine.Cursor("")
	if end < len(list) {
		next = engine.Cursor(strconv.Itoa(end))
	}
	return list[start:end], next, nil
}

func (f *fakeEngine) MoveExecutor(
	ctx context.Context, id engine.ExecutorID, due time.Time,
) (engine.Executor, []string, error) {
	e, err := f.Executor(ctx, id)
	if err != nil {
		return e, nil, err
	}
	f.changed("move %s", id)
	f.moved, e.Due = due, due
	return e, f.warnings, f.fail["MoveExecutor"]
}

func (f *fakeEngine) DeleteExecutor(_ context.Context, id engine.ExecutorID, abandon bool) (engine.Deletion, error) {
	f.changed("delete %s", id)
	f.abandon = abandon
	return f.deletion, f.fail["DeleteExecutor"]
}

func (f *fakeEngine) HaltExecutor(ctx context.Context, id engine.ExecutorID, reason string) (engine.Executor, error) {
	e, err := f.Executor(ctx, id)
	if err != nil {
		return e, err
	}
	if ctx.Err() != nil {
		return e, ctx.Err()
	}
	f.changed("halt %s", id)
	f.reason = reason
	return e, f.fail["HaltExecutor"]
}

func (f *fakeEngine) RunOf(_ context.Context, id engine.ExecutorID) (engine.Run, []engine.UndoRecord, error) {
	return f.runs[id], f.undos[id], f.fail["RunOf"]
}

func (f *fakeEngine) Log(_ context.Context, id engine.ExecutorID, after uint64, limit int) ([]engine.LogEntry, error) {
	var found []engine.LogEntry
	for _, e := range f.logs[id] {
		if e.Seq > after && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, f.fail["Log"]
}

func (f *fakeEngine) FollowLog(
	ctx context.Context, _ engine.ExecutorID, after uint64,
) iter.Seq2[engine.LogEntry, error] {
	return f.follow(ctx, after)
}

func (f *fakeEngine) Offers(kind engine.Kind) []engine.Offer {
	var found []engine.Offer
	for _, o := range f.offers {
		if o.Kind == kind {
			found = append(found, o)
		}
	}
	return found
}

func (f *fakeEngine) Offer(kind engine.Kind, ref engine.Ref) (engine.Offer, error) {
	for _, o := range f.offers {
		if o.Kind == kind && (o.Ref == ref || slices.Contains(o.Aliases, ref)) {
			return o, nil
		}
	}
	return engine.Offer{}, engine.Errorf(engine.CodeNotFound, "there is no %s %q", kind, ref)
}

func (f *fakeEngine) Plugins() []engine.PluginFile { return f.files }

func (f *fakeEngine) Rescan(context.Context) error {
	f.changed("rescan")
	return f.fail["Rescan"]
}

func (f *fakeEngine) Zone() *time.Location { return f.zone }

func (f *fakeEngine) Ready() error { return f.fail["Ready"] }
