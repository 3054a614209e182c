package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// TouchArgs are the args of the attack.
type TouchArgs struct {
	Path string `json:"path" jsonschema:"description=File to create"`
}

// touch is an attack that creates a file.
var touch = sdk.Attack[TouchArgs]{
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
}

// A whole attack. The main function of its plugin is
//
//	func main() { sdk.Serve(touch) }
//
// Here package sdktest runs it, as its own tests would.
func Example() {
	folder, remove := newFolder()
	defer remove()
	args := TouchArgs{Path: filepath.Join(folder, "x")}

	run := sdktest.Run(t, touch, args)
	_, err := os.Stat(args.Path)
	fmt.Println("succeeded:", run.Failure == nil, "undo records:", len(run.Records), "the file is there:", err == nil)
	for range 2 {
		fmt.Println(sdktest.Undo(t, touch, args, run.Records[0]).Outcome)
	}
	// Output:
	// succeeded: true undo records: 1 the file is there: true
	// undone
	// nothing_to_do
}
