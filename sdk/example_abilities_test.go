package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// FolderArgs are the args of attacks on a folder.
type FolderArgs struct {
	Folder string `json:"folder" jsonschema:"description=Where the files are"`
}

// An attack on a random file that can be tried without harm: in a dry run Do
// leaves the harm out. Run and Targets share the code that chooses, so they
// choose the same.
func ExampleAttack_targets() {
	choose := func(args FolderArgs, random *rand.Rand) (path string, err error) {
		files, err := os.ReadDir(args.Folder) // sorted by name
		if err != nil {
			return "", err
		}
		if len(files) == 0 {
			return "", sdk.Invalid("/folder", "%s is empty", args.Folder)
		}
		return filepath.Join(args.Folder, files[random.IntN(len(files))].Name()), nil
	}
	attack := sdk.Attack[FolderArgs]{
		Info: sdk.Info{Ref: "hide:Hide", Title: "Hides a file", Example: FolderArgs{Folder: "/tmp/x"}, DryRun: true},
		Run: func(ctx context.Context, args FolderArgs, run *sdk.Run) error {
			path, err := choose(args, run.Rand())
			if err != nil {
				return err
			}
			run.Targets(sdk.Target{ID: path, Name: filepath.Base(path), State: "selected"})
			return run.Do(ctx, path, func(context.Context) error {
				return os.Rename(path, path+".hidden")
			}, sdk.Describe("shows "+filepath.Base(path)+" again"))
		},
		Undo: func(_ context.Context, _ FolderArgs, call *sdk.UndoCall) (sdk.Outcome, error) {
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
		Targets: func(_ context.Context, args FolderArgs, call *sdk.TargetsCall) ([]sdk.Target, error) {
			path, err := choose(args, call.Rand())
			return []sdk.Target{{ID: path, Name: filepath.Base(path), State: "selected"}}, err
		},
	}

	folder, remove := newFolder("a", "b", "c")
	defer remove()
	args := FolderArgs{Folder: folder}
	targets, err := sdktest.Targets(t, attack, args)
	dry := sdktest.Run(t, attack, args, sdktest.DryRun())
	run := sdktest.Run(t, attack, args)
	fmt.Println("would hit:", targets[0].Name, err)
	fmt.Println("in a dry run:", dry.Targets[0].Name, dry.Log[0].Message)
	fmt.Println("has hit:", run.Targets[0].Name, "to take it back:", run.Records[0].Description)
	// Output:
	// would hit: b <nil>
	// in a dry run: b dry run: the harm is left out
	// has hit: b to take it back: shows b again
}

// An attack that looks at its args when a plan is made.
func ExampleAttack_check() {
	attack := sdk.Attack[TouchArgs]{
		Info: sdk.Info{Ref: "touch:Touch"},
		Run:  touch.Run,
		Check: func(_ context.Context, args TouchArgs, call *sdk.CheckCall) error {
			if strings.HasSuffix(args.Path, "/") {
				return sdk.Invalid("/path", "must be a file, not a folder")
			}
			if _, err := os.Stat(filepath.Dir(args.Path)); err != nil {
				call.Warn("the file can't be made now: its folder is not there")
			}
			return nil
		},
	}

	warnings, err := sdktest.Check(t, attack, TouchArgs{Path: "/no/such/folder/x"})
	fmt.Println(warnings, err)
	_, err = sdktest.Check(t, attack, TouchArgs{Path: "/tmp/"})
	fmt.Println(err)
	// Output:
	// [the file can't be made now: its folder is not there] <nil>
	// must be a file, not a folder
}

// An attack that takes its harm back itself when it is stopped.
func ExampleRun_Record() {
	attack := sdk.Attack[TouchArgs]{
		Info: sdk.Info{Ref: "occupy:Occupy"},
		Run: func(ctx context.Context, args TouchArgs, run *sdk.Run) error {
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
		},
		Undo: touch.Undo, // for when the process did not get as far
	}

	folder, remove := newFolder()
	defer remove()
	live := sdktest.Start(t, attack, TouchArgs{Path: filepath.Join(folder, "x")})
	live.AwaitRecords(1)
	live.Stop(sdk.Halted)
	run := live.Wait()
	fmt.Println(run.Records[0].Outcome, run.Records[0].Message, len(run.Open()))
	// Output: undone removed 0
}

// A planner that plans for an hour from now.
func ExamplePlanner() {
	planner := sdk.Planner[struct{}]{
		Info: sdk.Info{Ref: "in_an_hour:InAnHour"},
		Plan: func(_ context.Context, req *sdk.PlanRequest[struct{}]) ([]sdk.Execution, error) {
			return []sdk.Execution{{At: req.Now.Add(time.Hour), Name: req.Name}}, nil
		},
	}

	plan := sdktest.Plan(t, planner, struct{}{}, sdktest.Names("nightly", ""))
	fmt.Println(plan.Executions[0].At, plan.Executions[0].Name)
	// Output: 2026-01-01 13:00:00 +0000 UTC nightly
}

// An attack whose config is not {ref, args}.
func ExampleWhole() {
	attack := sdk.Attack[struct{}]{
		Info: sdk.Info{Ref: "old:Attack", Whole: &sdk.Whole{
			Schema:   []byte(`{"type": "object", "required": ["ref", "hosts"], "properties": {"hosts": {"type": "array"}}}`),
			Examples: []json.RawMessage{[]byte(`{"ref": "old:Attack", "hosts": ["a", "b"]}`)},
		}},
		Run: func(_ context.Context, _ struct{}, run *sdk.Run) error {
			var config struct{ Hosts []string }
			if err := json.Unmarshal(run.Config(), &config); err != nil {
				return err
			}
			return run.Result(config.Hosts)
		},
	}

	run := sdktest.Run(t, attack, struct{}{}, sdktest.Config(json.RawMessage(`{"ref": "old:Attack", "hosts": ["c"]}`)))
	fmt.Printf("%s\n", run.Result)
	// Output: ["c"]
}

// A plugin that offers an attack for each *.txt of a folder. The main function is
// sdk.ServeCatalogue(catalogue).
func ExampleServeCatalogue() {
	folder, remove := newFolder("one.txt", "two.txt", "other.bin")
	defer remove()

	attack := func(name string) sdk.Offer {
		return sdk.Attack[struct{}]{
			Info: sdk.Info{Ref: "texts:" + name},
			Run: func(_ context.Context, _ struct{}, run *sdk.Run) error {
				run.Log().Info("hello", "name", name)
				return nil
			},
		}
	}
	catalogue := sdk.Catalogue{
		List: func(context.Context) (offers []sdk.Offer, warnings []string, err error) {
			files, err := os.ReadDir(folder)
			if err != nil {
				return nil, nil, err
			}
			for _, f := range files {
				name, ok := strings.CutSuffix(f.Name(), ".txt")
				if !ok {
					warnings = append(warnings, f.Name()+" is no text")
					continue
				}
				offers = append(offers, attack(name))
			}
			return offers, warnings, nil
		},
		Find: func(_ context.Context, ref string) (sdk.Offer, error) {
			name := strings.TrimPrefix(ref, "texts:")
			if _, err := os.Stat(filepath.Join(folder, name+".txt")); err != nil {
				return nil, err
			}
			return attack(name), nil
		},
		Watch: func() []string { return []string{folder} },
	}

	offers, warnings, err := catalogue.List(context.Background())
	fmt.Println(len(offers), warnings, err)
	// Output: 2 [other.bin is no text] <nil>
}
