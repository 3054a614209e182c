package cmepython

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// offer is a class as the SDK serves it.
func (b bridge) offer(info sdk.Info) sdk.Offer {
	if b.kind == "planner" {
		return sdk.Planner[json.RawMessage]{
			Info: info,
			Plan: func(ctx context.Context, req *sdk.PlanRequest[json.RawMessage]) ([]sdk.Execution, error) {
				return b.plan(ctx, info.Ref, req)
			},
		}
	}
	return sdk.Attack[json.RawMessage]{
		Info: info,
		Run: func(ctx context.Context, _ json.RawMessage, run *sdk.Run) error {
			return b.run(ctx, info.Ref, run)
		},
	}
}

// run calls the class's run() and passes on what it says.
func (b bridge) run(ctx context.Context, ref string, run *sdk.Run) error {
	last, err := b.hold(ctx, talk{
		request: request{Do: "run", Ref: ref, Config: run.Config(), Seed: run.Seed(), DryRun: run.DryRun()},
		zone:    run.Location().String(),
		grace:   graceOf(run.Grace()),
		heard: func(e event) {
			if e.Logged != nil {
				// An entry that can't be sent is lost: there is nobody to tell.
				_ = run.Log().Handler().Handle(context.WithoutCancel(ctx), e.Logged.record())
			}
		},
		said: func(stream, line string) { run.Log().Info(line, slog.String("stream", stream)) },
	})
	if err != nil {
		return err
	}
	if last.Trace != "" {
		run.Log().Error(last.Trace)
	}
	if last.Failure != "" {
		return errors.New(last.Failure)
	}
	if len(last.Result) == 0 || string(last.Result) == "null" {
		return nil
	}
	if err := run.Result(last.Result); err != nil {
		return fmt.Errorf("the result: %w", err)
	}
	return nil
}

// graceOf is how much of a run's grace python has; the rest is for saying what
// became of it.
func graceOf(grace time.Duration) time.Duration {
	return grace - min(grace/5, time.Second)
}
