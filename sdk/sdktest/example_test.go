package sdktest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// t stands for the *testing.T of a test in the examples, which have none.
var t testing.TB = inExample{}

// inExample says what an example fails of.
type inExample struct{ testing.TB }

func (inExample) Helper() {}

func (inExample) Cleanup(func()) {}

func (inExample) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (inExample) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (inExample) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// SwitchArgs are the args of the attack in the examples.
type SwitchArgs struct {
	Name string `json:"name" jsonschema:"minLength=1"`
}

// switches is the world: which switches are off.
var switches = map[string]bool{}

// switchOff is the attack in the examples.
var switchOff = sdk.Attack[SwitchArgs]{
	Info: sdk.Info{Ref: "switch:Off", DryRun: true},
	Run: func(ctx context.Context, args SwitchArgs, run *sdk.Run) error {
		run.Targets(sdk.Target{ID: args.Name, State: "selected"})
		return run.Do(ctx, args.Name, func(context.Context) error {
			switches[args.Name] = true
			run.Log().Info("switched off", "name", args.Name)
			return nil
		}, sdk.Describe("switches "+args.Name+" on"))
	},
	Undo: func(_ context.Context, args SwitchArgs, _ *sdk.UndoCall) (sdk.Outcome, error) {
		if !switches[args.Name] {
			return sdk.NothingToDo, nil
		}
		delete(switches, args.Name)
		return sdk.Undone, nil
	},
}

func ExampleRun() {
	args := SwitchArgs{Name: "light"}
	run := sdktest.Run(t, switchOff, args)
	fmt.Println(run.Failure == nil, run.Targets[0].ID, run.Log[0].Message, run.Log[0].Fields)
	for _, record := range run.Open() {
		fmt.Println(record.Description, sdktest.Undo(t, switchOff, args, record).Outcome)
	}
	// Output:
	// true light switched off map[name:light]
	// switches light on undone
}

// In a dry run nothing is recorded and nothing is done.
func ExampleDryRun() {
	run := sdktest.Run(t, switchOff, SwitchArgs{Name: "light"}, sdktest.DryRun())
	fmt.Println(run.Failure == nil, len(run.Records), switches["light"])
	// Output: true 0 false
}

// What becomes of the attack when the daemon can't store its records.
func ExampleRefuseRecords() {
	run := sdktest.Run(t, switchOff, SwitchArgs{Name: "light"}, sdktest.RefuseRecords("the disk is full"))
	fmt.Println(run.Failure, switches["light"])
	// Output: the undo record is not durable: the disk is full false
}

// An undo may come when the harm never happened.
func ExampleRecordOf() {
	undo := sdktest.Undo(t, switchOff, SwitchArgs{Name: "light"}, sdktest.RecordOf(t, "light"))
	fmt.Println(undo.Outcome)
	// Output: nothing_to_do
}

// A run that goes on until it is stopped.
func ExampleStart() {
	attack := sdk.Attack[SwitchArgs]{
		Info: sdk.Info{Ref: "switch:Hold"},
		Run: func(ctx context.Context, _ SwitchArgs, run *sdk.Run) error {
			run.Progress(-1, "holding")
			<-ctx.Done()
			return context.Cause(ctx)
		},
	}
	live := sdktest.Start(t, attack, SwitchArgs{Name: "light"})
	live.Await(func(soFar *sdktest.Recording) bool { return len(soFar.Progress) > 0 })
	live.Stop(sdk.Halted)
	fmt.Println(live.Wait().Failure)
	// Output: stopped: halted
}

func ExamplePlan() {
	planner := sdk.Planner[struct{}]{
		Info: sdk.Info{Ref: "soon:Soon"},
		Plan: func(_ context.Context, req *sdk.PlanRequest[struct{}]) ([]sdk.Execution, error) {
			return []sdk.Execution{{At: req.Now.Add(time.Minute), Name: req.Attack.Ref}}, nil
		},
	}
	plan := sdktest.Plan(t, planner, struct{}{}, sdktest.ForAttack("switch:Off", SwitchArgs{Name: "light"}))
	for _, e := range plan.Executions {
		fmt.Println(e.At.Format(time.TimeOnly), e.Name)
	}
	// Output: 12:01:00 switch:Off
}
