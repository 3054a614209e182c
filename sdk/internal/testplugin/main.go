// Command testplugin is the plugin that the SDK's own tests start as a real
// process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args say what the attack is to do.
type Args struct {
	Mode string `json:"mode" jsonschema:"enum=touch,enum=hold,enum=ignore,enum=flood,enum=panic"`
	Path string `json:"path,omitempty" jsonschema:"description=File to create"`
}

func main() {
	if folder := os.Getenv(folderVariable); folder != "" {
		sdk.ServeCatalogue(catalogue(folder))
	}
	sdk.Serve(
		sdk.Attack[Args]{
			Info: sdk.Info{
				Ref: "test:Attack", Aliases: []string{"test.Attack"}, Title: "Does as it is told",
				Example: Args{Mode: "touch", Path: "/tmp/x"},
			},
			Run:  run,
			Undo: undo,
		},
		sdk.Planner[struct{}]{Info: sdk.Info{Ref: "test:Now", Title: "Plans for now"}, Plan: plan},
	)
}

func run(ctx context.Context, args Args, run *sdk.Run) error {
	switch args.Mode {
	case "touch":
		return run.Do(ctx, args.Path, func(context.Context) error { return os.WriteFile(args.Path, nil, 0o600) })
	case "hold":
		return hold(ctx, args.Path, run)
	case "ignore":
		select {}
	case "flood":
		line := strings.Repeat("x", 1023)
		for range 4096 {
			fmt.Println(line)
			fmt.Fprintln(os.Stderr, line)
		}
		return run.Result(map[string]int{"lines": 8192})
	default:
		panic("on purpose")
	}
}

// hold creates a file, waits to be stopped, and removes the file again.
func hold(ctx context.Context, path string, run *sdk.Run) error {
	record, err := run.Record(ctx, path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	run.Progress(-1, "holding")
	<-ctx.Done()
	if err := os.Remove(path); err != nil {
		return err
	}
	// Whoever closed the lifeline may be dead: printing must not hurt.
	fmt.Println("undone")
	if err := record.Undone(sdk.Undone, "removed"); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func undo(_ context.Context, _ Args, call *sdk.UndoCall) (sdk.Outcome, error) {
	var path string
	if err := call.Record(&path); err != nil {
		return sdk.Failed, err
	}
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return sdk.NothingToDo, nil
	}
	return sdk.Undone, err
}

func plan(_ context.Context, req *sdk.PlanRequest[struct{}]) ([]sdk.Execution, error) {
	return []sdk.Execution{{At: req.Now.Add(time.Minute)}}, nil
}
