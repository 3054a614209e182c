package httpapi

import (
	"context"
	"iter"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Engine is what the surface needs of the engine. The promises are those of
// the methods of engine.Engine.
type Engine interface {
	Planning
	Executing
	Halting
	Undoing
	Catalogue

	// Zone is the zone in which dates are shown and bare dates are read.
	Zone() *time.Location
	// Ready returns nil when the engine is at work.
	Ready() error
}

// Planning makes, shows and ends plans.
type Planning interface {
	CreatePlan(ctx context.Context, spec engine.PlanSpec) (engine.Created, error)
	PreviewPlan(ctx context.Context, spec engine.PlanSpec) (engine.Preview, error)
	Plan(ctx context.Context, id engine.PlanID) (engine.Plan, error)
	Plans(ctx context.Context, q engine.PlanQuery) ([]engine.Plan, engine.Cursor, error)
	DeletePlan(ctx context.Context, id engine.PlanID, abandonUndo bool) (engine.Deletion, error)
	HaltPlan(ctx context.Context, id engine.PlanID, reason string) (int, error)
}

// Executing shows, moves and ends executors.
type Executing interface {
	Executor(ctx context.Context, id engine.ExecutorID) (engine.Executor, error)
	Executors(ctx context.Context, q engine.ExecutorQuery) ([]engine.Executor, engine.Cursor, error)
	MoveExecutor(ctx context.Context, id engine.ExecutorID, due time.Time) (engine.Executor, []string, error)
	DeleteExecutor(ctx context.Context, id engine.ExecutorID, abandonUndo bool) (engine.Deletion, error)
	HaltExecutor(ctx context.Context, id engine.ExecutorID, reason string) (engine.Executor, error)
	RunOf(ctx context.Context, id engine.ExecutorID) (engine.Run, []engine.UndoRecord, error)
	Log(ctx context.Context, id engine.ExecutorID, after uint64, limit int) ([]engine.LogEntry, error)
	FollowLog(ctx context.Context, id engine.ExecutorID, after uint64) iter.Seq2[engine.LogEntry, error]
}

// Halting holds the lever, and tells how the daemon is.
type Halting interface {
	Lever() engine.LeverState
	EngageLever(ctx context.Context, by, reason string) engine.LeverState
	ReleaseLever(ctx context.Context, by string) (engine.LeverState, error)
	Status(ctx context.Context) (engine.Status, error)
}

// Undoing shows and settles undo records.
type Undoing interface {
	UndoRecords(ctx context.Context, q engine.UndoQuery) ([]engine.UndoRecord, engine.Cursor, error)
	UndoRecord(ctx context.Context, id engine.UndoID) (engine.UndoRecord, error)
	RetryUndo(ctx context.Context, id engine.UndoID) (engine.UndoRecord, error)
	AbandonUndo(ctx context.Context, id engine.UndoID, by, reason string) (engine.UndoRecord, error)
}

// Catalogue shows what the plugin folders offer.
type Catalogue interface {
	Offers(kind engine.Kind) []engine.Offer
	Offer(kind engine.Kind, ref engine.Ref) (engine.Offer, error)
	Plugins() []engine.PluginFile
	Rescan(ctx context.Context) error
}

var _ Engine = (*engine.Engine)(nil)
