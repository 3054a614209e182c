package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args is what the attack is configured with.
type Args struct {
	File  string       `json:"file" jsonschema:"pattern=^/,description=The harm: files that are created; their names get a number"`
	Count int          `json:"count,omitempty" jsonschema:"description=How many files,minimum=1,maximum=10"`
	Hold  sdk.Duration `json:"hold,omitempty" jsonschema:"description=How long they stay"`
	Ends  string       `json:"ends,omitempty" jsonschema:"description=How it ends if nothing stops it,enum=well,enum=invalid,enum=panic,enum=open"`
	Token string       `json:"token,omitempty" jsonschema:"description=A secret,writeOnly=true"`
}

func (a Args) names() []string {
	var names []string
	for i := range max(a.Count, 1) {
		names = append(names, fmt.Sprintf("%s.%d", a.File, i))
	}
	return names
}

func targets(_ context.Context, args Args, call *sdk.TargetsCall) ([]sdk.Target, error) {
	var list []sdk.Target
	for _, name := range args.names() {
		list = append(list, sdk.Target{
			ID: name, Name: "a file", State: "selected", Detail: map[string]any{"seed": call.Seed(), "draw": call.Rand().IntN(1000)},
		})
	}
	return list, nil
}

func check(_ context.Context, args Args, call *sdk.CheckCall) error {
	if strings.HasSuffix(args.File, "/") {
		return sdk.Invalid("/file", "must be a file, not a folder")
	}
	call.Warn("it is an old attack")
	return nil
}

// run uses all that a run has. The first file is created in Do, and the daemon
// takes it away; the others are recorded, and taken away by the run itself.
func run(ctx context.Context, args Args, run *sdk.Run) error {
	run.Log().Debug("begun", "plan", run.PlanName(), "name", run.Name(), "id", run.ID(), "token", args.Token)
	names := args.names()
	for i, name := range names {
		run.Targets(sdk.Target{ID: name, State: "selected", Detail: map[string]any{"draw": run.Rand().IntN(1000)}})
		run.Progress(float64(100*i/len(names)), "%d of %d", i, len(names))
	}
	create := func(context.Context) error { return os.WriteFile(names[0], []byte(run.ID()), 0o600) }
	if err := run.Do(ctx, names[0], create, sdk.Describe("remove "+names[0])); err != nil {
		return err
	}
	if run.DryRun() {
		return run.Result(map[string]any{"dry": true})
	}
	records, err := record(ctx, run, names[1:])
	if err != nil {
		return err
	}
	fmt.Println("printed by the attack")
	run.Targets(sdk.Target{ID: names[0], State: "hit"})
	run.Log().Warn("held", "for", args.Hold.String(), "timeout", run.Timeout(), "due", run.Due(), "zone", run.Location().String())
	select {
	case <-time.After(time.Duration(args.Hold)):
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), heal(names[1:], records))
	}
	switch args.Ends {
	case "invalid":
		return sdk.Invalid("/ends", "it ends as it was told to: %w", fs.ErrInvalid)
	case "panic":
		panic("as it was told to")
	case "open":
		return run.Result(map[string]any{"seed": run.Seed()})
	}
	return errors.Join(heal(names[1:], records), run.Result(map[string]any{"seed": run.Seed()}))
}

func record(ctx context.Context, run *sdk.Run, names []string) ([]*sdk.Record, error) {
	var records []*sdk.Record
	for _, name := range names {
		r, err := run.Record(ctx, name, sdk.Describe("remove "+name), sdk.UndoAt(time.Now().Add(time.Hour)))
		if err != nil {
			return nil, err
		}
		records = append(records, r)
		if err := os.WriteFile(name, []byte(run.ID()), 0o600); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func heal(names []string, records []*sdk.Record) (err error) {
	for i, r := range records {
		err = errors.Join(err, os.Remove(names[i]), r.Undone(sdk.Undone, "healed by the run"))
	}
	return err
}

func undo(_ context.Context, _ Args, call *sdk.UndoCall) (sdk.Outcome, error) {
	var name string
	if err := call.Record(&name); err != nil {
		return sdk.Failed, err
	}
	content, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sdk.NothingToDo, nil
	case err != nil:
		return sdk.Retry, err
	case string(content) != call.ID():
		return sdk.NotMine, nil
	}
	if call.Attempt() == 1 && call.Sequence() == 2 {
		call.Log().Warn("not at the first attempt")
		return sdk.Retry, errors.New("later")
	}
	call.Explain("removed %s", name)
	return sdk.Undone, os.Remove(name)
}
