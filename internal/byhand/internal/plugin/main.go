// Command plugin is what the tests of byhand run: an attack that makes files and
// ends as it is told, and a planner.
package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args say what the attack does. The files are its harm.
type Args struct {
	Files  []string     `json:"files,omitempty" jsonschema_description:"Files to make, one after the other."`
	Then   string       `json:"then,omitempty" jsonschema:"enum=,enum=fail,enum=wait,enum=hang" jsonschema_description:"What it does then."`
	UndoAt sdk.Duration `json:"undo_at,omitempty" jsonschema_description:"When a daemon is to undo it."`
	// Gate keeps the undo from being done until it is there.
	Gate   string `json:"gate,omitempty" jsonschema_description:"File without which nothing is undone."`
	Stuck  bool   `json:"stuck,omitempty" jsonschema_description:"Wait for the gate in the undo, rather than ask for another attempt."`
	Secret string `json:"secret,omitempty" jsonschema:"writeOnly=true" jsonschema_description:"Is said everywhere."`
	Refuse bool   `json:"refuse,omitempty" jsonschema_description:"Refuse the config in the check."`
}

func main() {
	sdk.Serve(
		sdk.Attack[Args]{
			Info:  sdk.Info{Ref: "files:Make", Aliases: []string{"files.Create"}, Title: "Makes files", DryRun: true, Env: []string{"BYHAND_*"}},
			Run:   run,
			Undo:  undo,
			Check: check,
		},
		sdk.Attack[Args]{Info: sdk.Info{Ref: "blunt:Blunt", Effect: sdk.NoEffect}, Run: run},
		sdk.Planner[struct{}]{Info: sdk.Info{Ref: "twice:Twice"}, Plan: plan},
	)
}

func check(_ context.Context, args Args, call *sdk.CheckCall) error {
	if args.Refuse {
		return sdk.Invalid("/refuse", "is refused, %s", args.Secret)
	}
	if len(args.Files) > 2 {
		call.Warn("these are many files, %s", args.Secret)
	}
	return nil
}

func run(ctx context.Context, args Args, run *sdk.Run) error {
	for _, path := range args.Files {
		var options []sdk.UndoOption
		if args.UndoAt > 0 {
			options = append(options, sdk.UndoAt(time.Now().Add(time.Duration(args.UndoAt))))
		}
		err := run.Do(ctx, path, func(context.Context) error {
			return os.WriteFile(path, []byte(run.ID()), 0o600)
		}, append(options, sdk.Describe("remove "+path+args.Secret))...)
		if err != nil {
			return err
		}
		run.Targets(sdk.Target{ID: path, Name: args.Secret, State: "hit"})
	}
	run.Progress(50, "half of it %s", args.Secret)
	run.Log().Info("made"+args.Secret, "files", len(args.Files), "env", os.Getenv("BYHAND_WORD"))
	if err := run.Result(map[string]any{"made": len(args.Files), "word": args.Secret}); err != nil {
		return err
	}
	switch args.Then {
	case "fail":
		return errors.New("failed as told " + args.Secret)
	case "wait":
		<-ctx.Done()
		return context.Cause(ctx)
	case "hang":
		select {}
	}
	return nil
}

func undo(ctx context.Context, args Args, call *sdk.UndoCall) (sdk.Outcome, error) {
	if _, err := os.Stat(args.Gate); args.Gate != "" && err != nil {
		if !args.Stuck {
			return sdk.Retry, errors.New("the gate is closed " + args.Secret)
		}
		call.Log().Info("waits at the gate")
		<-ctx.Done()
		return sdk.Retry, context.Cause(ctx)
	}
	var path string
	if err := call.Record(&path); err != nil {
		return sdk.Failed, err
	}
	content, err := os.ReadFile(path) //nolint:gosec // the test's own choice
	switch {
	case errors.Is(err, os.ErrNotExist):
		return sdk.NothingToDo, nil
	case err != nil:
		return sdk.Retry, err
	case !strings.HasPrefix(string(content), call.ID()):
		return sdk.NotMine, nil
	}
	call.Log().Info("removes", "path", path, "env", os.Getenv("BYHAND_WORD"))
	return sdk.Undone, os.Remove(path)
}

func plan(_ context.Context, req *sdk.PlanRequest[struct{}]) ([]sdk.Execution, error) {
	_ = req.Location()
	return []sdk.Execution{
		{At: req.Now.Add(time.Hour), Name: req.Name},
		{At: req.Now.Add(2 * time.Hour), Args: map[string]string{"of": req.Attack.Ref}},
	}, nil
}
