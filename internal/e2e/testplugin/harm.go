package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

type harmArgs struct {
	File  string `json:"file" jsonschema:"description=The harm: a file that is created"`
	Count int    `json:"count,omitempty" jsonschema:"description=How many files; their names get a number,minimum=1"`
	// Kill and At say who is killed with SIGKILL, and before which step.
	Kill string       `json:"kill,omitempty" jsonschema:"description=Who is killed,enum=plugin,enum=daemon,enum=both"`
	At   string       `json:"at,omitempty" jsonschema:"description=Before which step"`
	Hold sdk.Duration `json:"hold,omitempty" jsonschema:"description=How long the harm is held"`
	// Heal takes the files away again before the run ends, also when it is stopped.
	Heal   bool         `json:"heal,omitempty" jsonschema:"description=Take the harm back at the end"`
	Fail   bool         `json:"fail,omitempty" jsonschema:"description=Fail at the end"`
	UndoIn sdk.Duration `json:"undo_in,omitempty" jsonschema:"description=Have the host take it back after this long"`
	Runs   string       `json:"runs,omitempty" jsonschema:"description=Where each run adds its line"`
}

var harm = sdk.Attack[harmArgs]{
	Info:    sdk.Info{Ref: "e2e:Harm", Effect: sdk.Undoable, DryRun: true, Example: harmArgs{File: "/tmp/harm"}},
	Run:     doHarm,
	Undo:    undoHarm,
	Targets: harmTargets,
}

// harmTargets are the files that would be created, in a folder that is there.
func harmTargets(_ context.Context, args harmArgs, _ *sdk.TargetsCall) ([]sdk.Target, error) {
	if _, err := os.Stat(filepath.Dir(args.File)); err != nil {
		return nil, sdk.Invalid("/file", "can't be created: %v", err)
	}
	var targets []sdk.Target
	for i := range max(args.Count, 1) {
		targets = append(targets, sdk.Target{ID: args.name(i), Name: filepath.Base(args.name(i)), State: "selected"})
	}
	return targets, nil
}

// tellHarm is doHarm without the harm: Do leaves it out.
func tellHarm(ctx context.Context, args harmArgs, run *sdk.Run) error {
	for i := range max(args.Count, 1) {
		name := args.name(i)
		run.Targets(sdk.Target{ID: name, State: "selected"})
		create := func(context.Context) error { return os.WriteFile(name, nil, 0o600) }
		if err := run.Do(ctx, name, create, sdk.Describe("remove "+name)); err != nil {
			return err
		}
	}
	return nil
}

func doHarm(ctx context.Context, args harmArgs, run *sdk.Run) error {
	if args.Runs != "" {
		if err := appendLine(args.Runs, run.ID()); err != nil {
			return err
		}
	}
	if run.DryRun() {
		return tellHarm(ctx, args, run)
	}
	var records []*sdk.Record
	for i := range max(args.Count, 1) {
		args.dieAt("record")
		record, err := run.Record(ctx, args.name(i), args.options()...)
		if err != nil {
			return err
		}
		records = append(records, record)
		args.dieAt("harm")
		if err := os.WriteFile(args.name(i), nil, 0o600); err != nil {
			return err
		}
		args.dieAt("next")
	}
	if err := hold(ctx, time.Duration(args.Hold)); err != nil {
		args.dieAt("stopped")
		if args.Heal {
			err = errors.Join(err, args.heal(records))
		}
		return err
	}
	if args.Heal {
		if err := args.heal(records); err != nil {
			return err
		}
	}
	args.dieAt("finish")
	if args.Fail {
		return errors.New("failed as it was told to")
	}
	return nil
}

// heal takes the harm back in the run itself, the newest first. That it can't be
// reported, since the host is gone, is no reason to stop.
func (a harmArgs) heal(records []*sdk.Record) (err error) {
	for i, record := range slices.Backward(records) {
		a.dieAt("heal")
		if failed := os.Remove(a.name(i)); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		a.dieAt("report")
		err = errors.Join(err, record.Undone(sdk.Undone, "healed"))
	}
	return err
}

func undoHarm(_ context.Context, args harmArgs, call *sdk.UndoCall) (sdk.Outcome, error) {
	var file string
	if err := call.Record(&file); err != nil {
		return sdk.Failed, err
	}
	if call.Attempt() == 1 {
		args.dieAt("undo")
	}
	err := os.Remove(file)
	if call.Attempt() == 1 {
		args.dieAt("answer")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return sdk.NothingToDo, nil
	}
	if err != nil {
		return sdk.Failed, err
	}
	return sdk.Undone, nil
}

func (a harmArgs) name(i int) string { return fmt.Sprintf("%s.%d", a.File, i) }

func (a harmArgs) options() []sdk.UndoOption {
	if a.UndoIn == 0 {
		return nil
	}
	return []sdk.UndoOption{sdk.UndoAt(time.Now().Add(time.Duration(a.UndoIn)))}
}

// dieAt kills whom the args name when they name this step. A daemon is killed
// once only: the next one finds a file that says so.
func (a harmArgs) dieAt(step string) {
	if a.At != step {
		return
	}
	once, err := os.OpenFile(a.File+".killed", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return
	}
	_ = once.Close()
	if a.Kill == "daemon" || a.Kill == "both" {
		_ = syscall.Kill(os.Getppid(), syscall.SIGKILL)
	}
	if a.Kill == "plugin" || a.Kill == "both" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal is delivered
	}
}

func hold(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
