package sdk_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// TouchArgs are the args of the attack in the example.
type TouchArgs struct {
	Path string `json:"path" jsonschema:"description=File to create"`
}

// A whole plugin with one attack. The body of main is that of Example.
func Example() {
	main := func() {
		sdk.Serve(sdk.Attack[TouchArgs]{
			Info: sdk.Info{Ref: "touch:Touch", Title: "Creates a file", Example: TouchArgs{Path: "/tmp/x"}},
			Run: func(ctx context.Context, args TouchArgs, run *sdk.Run) error {
				return run.Do(ctx, args.Path, func(context.Context) error {
					return os.WriteFile(args.Path, nil, 0o600)
				})
			},
			Undo: func(_ context.Context, args TouchArgs, _ *sdk.UndoCall) (sdk.Outcome, error) {
				err := os.Remove(args.Path)
				if errors.Is(err, os.ErrNotExist) {
					return sdk.NothingToDo, nil
				}
				return sdk.Undone, err
			},
		})
	}
	_ = main
}

// A planner that plans for an hour from now.
func ExamplePlanner() {
	planner := sdk.Planner[struct{}]{
		Info: sdk.Info{Ref: "in_an_hour:InAnHour"},
		Plan: func(_ context.Context, req *sdk.PlanRequest[struct{}]) ([]sdk.Execution, error) {
			return []sdk.Execution{{At: req.Now.Add(time.Hour), Name: req.Name}}, nil
		},
	}
	_ = planner
}

// An attack on a random file that can be tried without harm: in a dry run Do
// leaves the harm out. Run and Targets share the code that chooses, so they
// choose the same.
func ExampleAttack_targets() {
	type Args struct {
		Folder string `json:"folder" jsonschema:"description=Where the files are"`
	}
	choose := func(args Args, random *rand.Rand) (path string, err error) {
		files, err := os.ReadDir(args.Folder) // sorted by name
		if err != nil {
			return "", err
		}
		if len(files) == 0 {
			return "", sdk.Invalid("/folder", "%s is empty", args.Folder)
		}
		return filepath.Join(args.Folder, files[random.IntN(len(files))].Name()), nil
	}
	attack := sdk.Attack[Args]{
		Info: sdk.Info{Ref: "hide:Hide", Title: "Hides a file", Example: Args{Folder: "/tmp/x"}, DryRun: true},
		Run: func(ctx context.Context, args Args, run *sdk.Run) error {
			path, err := choose(args, run.Rand())
			if err != nil {
				return err
			}
			run.Targets(sdk.Target{ID: path, State: "selected"})
			return run.Do(ctx, path, func(context.Context) error {
				return os.Rename(path, path+".hidden")
			}, sdk.Describe("shows "+path+" again"))
		},
		Undo: func(_ context.Context, _ Args, call *sdk.UndoCall) (sdk.Outcome, error) {
			var path string
			if err := call.Record(&path); err != nil {
				return sdk.Failed, err
			}
			if _, err := os.Lstat(path + ".hidden"); errors.Is(err, os.ErrNotExist) {
				return sdk.NothingToDo, nil
			}
			if _, err := os.Lstat(path); err == nil {
				return sdk.NotMine, nil // somebody has put another there
			}
			return sdk.Undone, os.Rename(path+".hidden", path)
		},
		Targets: func(_ context.Context, args Args, call *sdk.TargetsCall) ([]sdk.Target, error) {
			path, err := choose(args, call.Rand())
			return []sdk.Target{{ID: path, State: "selected"}}, err
		},
	}
	_ = attack
}

// An attack that takes its harm back itself when it is stopped.
func ExampleRun_Record() {
	run := func(ctx context.Context, args TouchArgs, run *sdk.Run) error {
		record, err := run.Record(ctx, args.Path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(args.Path, nil, 0o600); err != nil {
			return err
		}
		<-ctx.Done()
		if err := os.Remove(args.Path); err != nil {
			return err // the host has it undone
		}
		return record.Undone(sdk.Undone, "removed")
	}
	_ = run
}
