// Command file-marker is an attack of a third party: a module of its own that
// imports nothing of cmed but its SDK. It puts a marker file in place, holds it
// for a while and takes it away again.
//
//	{"ref": "file_marker:FileMarker", "args": {"path": "/tmp/marker", "hold": "10s"}}
//
// Whatever ends it, the marker doesn't stay: the record of how to remove it is
// durable before the file exists, so when this process is killed, or the machine
// loses power, cmed starts a fresh one that removes it.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// Args is what the attack is configured with.
type Args struct {
	Path string       `json:"path" jsonschema:"pattern=^/" jsonschema_description:"Absolute path of the marker. Nothing may be there."`
	Hold sdk.Duration `json:"hold,omitempty" jsonschema_description:"How long the marker stays, for example 10s; without it, it is removed at once."`
}

func main() {
	sdk.Serve(sdk.Attack[Args]{
		Info: sdk.Info{
			Ref:         "file_marker:FileMarker",
			Title:       "File marker",
			Description: "Puts a marker file in place, holds it and takes it away.",
			Version:     "1.0.0",
			Effect:      sdk.Undoable,
			Example:     Args{Path: "/tmp/marker", Hold: sdk.Duration(10 * time.Second)},
			DryRun:      true,
		},
		Run:     mark,
		Undo:    unmark,
		Targets: targets,
	})
}

// targets tells which path would be marked.
func targets(_ context.Context, args Args, _ *sdk.TargetsCall) ([]sdk.Target, error) {
	return []sdk.Target{{ID: args.Path, State: "selected"}}, nil
}

// mark is the attack. It removes the marker itself, also when it is stopped.
func mark(ctx context.Context, args Args, run *sdk.Run) error {
	m := marker{Path: args.Path, Token: run.ID()}
	if run.DryRun() {
		run.Log().Info("dry run: the marker is not placed", "path", m.Path, "hold", args.Hold.String())
		return m.room()
	}
	record, err := run.Record(ctx, m, sdk.Describe("remove "+m.Path))
	if err != nil {
		return fmt.Errorf("record the marker: %w", err)
	}
	if err := m.place(); err != nil {
		return fmt.Errorf("place the marker: %w", err) // the open record is undone by cmed
	}
	run.Log().Info("marker placed", "path", m.Path)
	select {
	case <-time.After(time.Duration(args.Hold)):
	case <-ctx.Done():
	}
	outcome, err := m.remove()
	if err != nil {
		return fmt.Errorf("remove the marker: %w", err)
	}
	if err := record.Undone(outcome, "removed by the run itself"); err != nil {
		return fmt.Errorf("report the marker removed: %w", err)
	}
	return context.Cause(ctx) // nil when nothing stopped the run
}

// unmark is the undo, called in a fresh process for a record that is still open.
func unmark(_ context.Context, _ Args, call *sdk.UndoCall) (sdk.Outcome, error) {
	var m marker
	if err := call.Record(&m); err != nil {
		return sdk.Failed, fmt.Errorf("read the record: %w", err)
	}
	return m.remove()
}
