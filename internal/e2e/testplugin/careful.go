package main

import (
	"context"
	"errors"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

type carefulArgs struct {
	Warn   string `json:"warn,omitempty" jsonschema:"description=What its check warns of"`
	Refuse string `json:"refuse,omitempty" jsonschema:"description=Why its check refuses the args"`
	Break  string `json:"break,omitempty" jsonschema:"description=How its check breaks,enum=panic,enum=exit,enum=hang"`
	Token  string `json:"token,omitempty" jsonschema:"description=A secret that its check tells everybody,writeOnly=true"`
}

// careful looks at its args when a plan is made, and does nothing when it runs.
var careful = sdk.Attack[carefulArgs]{
	Info: sdk.Info{Ref: "e2e:Careful", Effect: sdk.NoEffect, Example: carefulArgs{}},
	Run:  func(context.Context, carefulArgs, *sdk.Run) error { return nil },
	Check: func(ctx context.Context, args carefulArgs, call *sdk.CheckCall) error {
		if args.Warn != "" {
			call.Warn("%s %s", args.Warn, args.Token)
		}
		switch args.Break {
		case "panic":
			panic("of no use is " + args.Token)
		case "exit":
			_, _ = os.Stderr.WriteString("goodbye " + args.Token + "\n")
			os.Exit(3)
		case "hang":
			<-ctx.Done()
			return ctx.Err()
		}
		if args.Refuse != "" {
			return sdk.Invalid("/refuse", "%w: %s", errors.New(args.Refuse), args.Token)
		}
		return nil
	},
}
