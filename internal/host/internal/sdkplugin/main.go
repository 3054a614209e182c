// Command sdkplugin is a plugin made with the SDK, for the host's tests: an
// attack that makes a file and can take it back, and a planner.
package main

import (
	"context"
	"os"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

type args struct {
	Path string `json:"path"`
	// Wait keeps the run going until it is stopped.
	Wait bool `json:"wait,omitempty"`
}

func main() {
	sdk.Serve(
		sdk.Attack[args]{
			Info: sdk.Info{Ref: "touch:Touch", Effect: sdk.Undoable, Example: args{Path: "/tmp/x"}},
			Run:  touch,
			Undo: remove,
		},
		sdk.Planner[struct{}]{
			Info: sdk.Info{Ref: "now:Now", Example: struct{}{}},
			Plan: func(_ context.Context, r *sdk.PlanRequest[struct{}]) ([]sdk.Execution, error) {
				return []sdk.Execution{{At: r.Now.Add(time.Second)}}, nil
			},
		},
	)
}

func touch(ctx context.Context, a args, run *sdk.Run) error {
	err := run.Do(ctx, a.Path, func(context.Context) error { return os.WriteFile(a.Path, nil, 0o600) })
	if a.Wait {
		run.Log().Info("waiting")
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return err
}

func remove(_ context.Context, a args, _ *sdk.UndoCall) (sdk.Outcome, error) {
	if err := os.Remove(a.Path); err != nil {
		return sdk.Retry, err
	}
	return sdk.Undone, nil
}
