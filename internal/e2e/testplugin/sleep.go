package main

import (
	"context"
	"errors"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

type sleepArgs struct {
	For   sdk.Duration `json:"for" jsonschema:"description=How long it runs"`
	Ended string       `json:"ended,omitempty" jsonschema:"description=Where a sleeper that is woken says why"`
	Token string       `json:"token,omitempty" jsonschema:"description=A secret that it logs,writeOnly=true"`
}

var sleeper = sdk.Attack[sleepArgs]{
	Info: sdk.Info{Ref: "e2e:Sleep", Effect: sdk.NoEffect, Example: sleepArgs{For: sdk.Duration(time.Second)}},
	Run: func(ctx context.Context, args sleepArgs, run *sdk.Run) error {
		run.Log().Info("asleep", "for", time.Duration(args.For), "token", args.Token)
		run.Targets(sdk.Target{ID: "bed", State: "hit"})
		if err := hold(ctx, time.Duration(args.For)); err != nil {
			run.Log().Warn("woken", "why", err)
			if args.Ended != "" {
				err = errors.Join(err, appendLine(args.Ended, err.Error()))
			}
			return err
		}
		return run.Result(map[string]string{"slept": time.Duration(args.For).String(), "token": args.Token})
	},
}
