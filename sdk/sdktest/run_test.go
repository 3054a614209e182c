package sdktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

func TestARunIsRecorded(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	r := sdktest.Run(t, attack(func(ctx context.Context, args textArgs, run *sdk.Run) error {
		run.Log().With("a", 1).Debug("hello", "text", args.Text)
		run.Log().Error("oops")
		run.Progress(50, "half of %d", 2)
		run.Targets(sdk.Target{ID: "i-1", State: "selected"}, sdk.Target{ID: "i-2", Name: "two"})
		run.Targets(sdk.Target{ID: "i-1", State: "hit", Detail: map[string]int{"n": 1}})
		first, err := run.Record(ctx, map[string]string{"a": "<b>"}, sdk.Describe("puts it back"), sdk.UndoAt(at))
		if err != nil {
			return err
		}
		if err := first.Undone(sdk.NotMine, "taken"); err != nil {
			return err
		}
		for i := range 2 {
			if err := run.Do(ctx, i, func(context.Context) error { return nil }); err != nil {
				return err
			}
		}
		_ = run.Result(1)
		return run.Result([]string{"x"})
	}), aText)
	want := &sdktest.Recording{
		Log: []sdktest.LogEntry{
			{Level: "debug", Message: "hello", Fields: map[string]any{"a": 1.0, "text": "x"}},
			{Level: "error", Message: "oops"},
		},
		Progress: []sdktest.Progress{{Percent: 50, Message: "half of 2"}},
		Targets: []sdk.Target{
			{ID: "i-1", State: "hit", Detail: map[string]any{"n": 1.0}},
			{ID: "i-2", Name: "two"},
		},
		Records: []sdktest.Record{
			{
				Sequence: 1, Doc: json.RawMessage(`{"a":"\u003cb\u003e"}`), Description: "puts it back", UndoAt: at,
				Outcome: sdk.NotMine, Message: "taken",
			},
			{Sequence: 2, Doc: json.RawMessage(`0`)},
			{Sequence: 3, Doc: json.RawMessage(`1`)},
		},
		Result: json.RawMessage(`["x"]`),
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got\n%+v\nwant\n%+v", r, want)
	}
	if open := r.Open(); len(open) != 2 || open[0].Sequence != 3 || open[1].Sequence != 2 {
		t.Errorf("open: %+v", open)
	}
}

func TestWhatARunKnows(t *testing.T) {
	know := func(t *testing.T, options ...sdktest.Option) string {
		t.Helper()
		a := attack(func(_ context.Context, _ textArgs, run *sdk.Run) error {
			return run.Result([]any{
				run.ID(), run.PlanName(), run.Name(), run.Due(), run.Seed(), run.Rand().IntN(1000), run.Location().String(),
				run.DryRun(), run.Timeout().String(), run.Grace().String(), run.Config(),
			})
		})
		a.DryRun = true
		return string(sdktest.Run(t, a, aText, options...).Result)
	}
	const first = `["01900000000070008000000000000001","test","","2026-01-01T12:00:00Z",1,598,"UTC",false,"15m0s","10s",{"ref":"t:A","args":{"text":"x"}}]`
	if got := know(t); got != first {
		t.Errorf("got\n%s\nwant\n%s", got, first)
	}
	const second = `["r","p","e","2030-01-02T00:00:00Z",7,269,"Europe/Madrid",true,"1h0m0s","3s",{"args":{"text":"y"},"ref":"t:A"}]`
	if got := know(t,
		sdktest.RunID("r"), sdktest.Names("p", "e"), sdktest.Now(time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)), sdktest.Seed(7),
		sdktest.Zone("Europe/Madrid"), sdktest.DryRun(), sdktest.Timeout(time.Hour), sdktest.Grace(3*time.Second),
		sdktest.Config(map[string]any{"ref": "t:A", "args": textArgs{"y"}}),
	); got != second {
		t.Errorf("got\n%s\nwant\n%s", got, second)
	}
}

func TestARunFails(t *testing.T) {
	for _, c := range []struct {
		rule             string
		run              func(ctx context.Context, args textArgs, run *sdk.Run) error
		message, pointer string
		stack            bool
	}{
		{rule: "by an error", run: func(context.Context, textArgs, *sdk.Run) error { return errors.New("no luck") }, message: "no luck"},
		{
			rule:    "by an error about the args",
			run:     func(context.Context, textArgs, *sdk.Run) error { return sdk.Invalid("/text", "no such file") },
			message: "no such file", pointer: "/args/text",
		},
		{rule: "by a panic", run: func(context.Context, textArgs, *sdk.Run) error { panic("ouch") }, message: "panic: ouch", stack: true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := sdktest.Run(t, attack(c.run), aText).Failure
			if f == nil || f.Error() != c.message || f.Pointer != c.pointer || strings.Contains(f.Stack, "run_test.go") != c.stack {
				t.Errorf("failure %+v", f)
			}
		})
	}
}

func TestRecordsCanBeRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	a := attack(func(ctx context.Context, _ textArgs, run *sdk.Run) error { return run.Do(ctx, path, write(path)) })
	for want, option := range map[string]sdktest.Option{
		"the undo record is not durable: disk full":           sdktest.RefuseRecords("disk full"),
		"the undo record is not durable: the test refuses it": sdktest.RefuseRecords(""),
	} {
		r := sdktest.Run(t, a, aText, option)
		if r.Failure == nil || r.Failure.Message != want || len(r.Records) != 0 || exists(path) {
			t.Errorf("%+v, harm done: %t; want %s", r, exists(path), want)
		}
	}
}

func TestADryRunLeavesTheHarmOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	a := attack(func(ctx context.Context, _ textArgs, run *sdk.Run) error { return run.Do(ctx, path, write(path)) })
	a.DryRun = true
	r := sdktest.Run(t, a, aText, sdktest.DryRun())
	if r.Failure != nil || len(r.Records) != 0 || len(r.Log) != 1 || exists(path) {
		t.Errorf("%+v, harm done: %t", r, exists(path))
	}
}

// What the daemon would refuse fails the test, before any of the author's code is
// called.
func TestWhatTheDaemonRefuses(t *testing.T) {
	never := func(context.Context, textArgs, *sdk.Run) error { t.Error("it ran"); return nil }
	with := func(change func(a *sdk.Attack[textArgs])) sdk.Attack[textArgs] {
		a := attack(never)
		change(&a)
		return a
	}
	for _, c := range []struct {
		rule    string
		attack  sdk.Attack[textArgs]
		args    textArgs
		options []sdktest.Option
		want    string
	}{
		{rule: "args that break the schema", attack: attack(never), want: "the daemon would refuse the config of t:A: /args/text: '' is too short; its length must be at least 1"},
		{
			rule: "a config without args", attack: attack(never), options: []sdktest.Option{sdktest.Config(map[string]string{"ref": "t:A"})},
			want: "the daemon would refuse the config of t:A: 'args' is a required property",
		},
		{rule: "a dry run that is not declared", attack: attack(never), args: aText, options: []sdktest.Option{sdktest.DryRun()}, want: "the daemon would refuse a dry run: t:A does not declare one (sdk.Info.DryRun)"},
		{rule: "a ref that is none", attack: with(func(a *sdk.Attack[textArgs]) { a.Ref = "touch" }), args: aText, want: `the daemon would list the plugin as broken: ref "touch" is not of the form "module:Name"`},
		{rule: "no code", attack: with(func(a *sdk.Attack[textArgs]) { a.Run = nil }), args: aText, want: "the daemon would list the plugin as broken: t:A: the attack has no code: its Run or Plan is nil"},
		{
			rule: "a schema that doesn't compile", attack: with(func(a *sdk.Attack[textArgs]) { a.Schema = []byte(`{"$ref":"https://x.example/"}`) }), args: aText,
			want: `the daemon would list the plugin as broken: t:A: schema: `,
		},
		{
			rule: "an example that only the schema library refuses", args: aText,
			attack: with(func(a *sdk.Attack[textArgs]) {
				a.Schema, a.Example = []byte(`{"oneOf":[{"type":"string"},{"type":"null"}]}`), textArgs{"y"}
			}),
			want: "the daemon would list the plugin as broken: t:A: example 1: /args: ",
		},
		{rule: "a zone that is none", attack: attack(never), args: aText, options: []sdktest.Option{sdktest.Zone("Mars")}, want: "sdktest.Zone: unknown time zone Mars"},
		{rule: "a timeout that is none", attack: attack(never), args: aText, options: []sdktest.Option{sdktest.Timeout(0)}, want: "sdktest.Timeout: 0s is no time"},
		{rule: "a grace that is none", attack: attack(never), args: aText, options: []sdktest.Option{sdktest.Grace(-1)}, want: "sdktest.Grace: -1ns is no time"},
		{rule: "an attempt that is none", attack: attack(never), args: aText, options: []sdktest.Option{sdktest.Attempt(0)}, want: "sdktest.Attempt: attempts count from 1, and this is 0"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			complains(t, c.want, func(t testing.TB) { sdktest.Run(t, c.attack, c.args, c.options...) })
		})
	}
}

// unwritable can be described, but not written.
type unwritable struct {
	Text string `json:"text"`
}

func (unwritable) MarshalJSON() ([]byte, error) { return nil, errors.New("not today") }

func TestArgsThatCannotBeWritten(t *testing.T) {
	a := sdk.Attack[unwritable]{
		Info: sdk.Info{Ref: "t:A", Schema: []byte(`{}`), Example: map[string]string{}},
		Run:  func(context.Context, unwritable, *sdk.Run) error { t.Error("it ran"); return nil },
	}
	complains(t, "the args can't be written as JSON: ", func(t testing.TB) { sdktest.Run(t, a, unwritable{}) })
}

// lossy is written otherwise than it is read.
type lossy struct {
	Text   string `json:"text"`
	Hidden string `json:"-"`
}

func TestArgsGoThroughJSON(t *testing.T) {
	a := sdk.Attack[lossy]{
		Info: sdk.Info{Ref: "t:A"},
		Run: func(_ context.Context, args lossy, run *sdk.Run) error {
			return run.Result([]string{args.Text, args.Hidden})
		},
	}
	if got := string(sdktest.Run(t, a, lossy{"a", "b"}).Result); got != `["a",""]` {
		t.Errorf("got %s", got)
	}
}

func TestAConfigOfItsOwn(t *testing.T) {
	a := sdk.Attack[json.RawMessage]{
		Info: sdk.Info{Ref: "t:A", Whole: &sdk.Whole{Schema: []byte(`{"required":["ref","hosts"]}`)}},
		Run:  func(_ context.Context, _ json.RawMessage, run *sdk.Run) error { return run.Result(run.Config()) },
	}
	const config = `{"ref":"t:A","hosts":[1]}`
	if got := string(sdktest.Run(t, a, nil, sdktest.Config(json.RawMessage(config))).Result); got != config {
		t.Errorf("got %s", got)
	}
	complains(t, "the daemon would refuse the config of t:A: 'hosts' is a required property", func(t testing.TB) { sdktest.Run(t, a, nil) })
}

// Two runs share nothing: each counts its own records.
func TestRunsAreApart(t *testing.T) {
	a := attack(func(ctx context.Context, _ textArgs, run *sdk.Run) error {
		return run.Do(ctx, run.ID(), func(context.Context) error { return nil })
	})
	first, second := sdktest.Run(t, a, aText, sdktest.RunID("1")), sdktest.Run(t, a, aText, sdktest.RunID("2"))
	if first.Records[0].Sequence != 1 || second.Records[0].Sequence != 1 || string(second.Records[0].Doc) != `"2"` {
		t.Errorf("%+v, %+v", first.Records, second.Records)
	}
}

func TestRunsSideBySide(t *testing.T) {
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			r := sdktest.Run(t, attack(func(ctx context.Context, _ textArgs, run *sdk.Run) error {
				for range 50 {
					run.Log().Info("line")
					if err := run.Do(ctx, 1, func(context.Context) error { return nil }); err != nil {
						return err
					}
				}
				return nil
			}), aText)
			if r.Failure != nil || len(r.Log) != 50 || len(r.Records) != 50 {
				t.Errorf("failure %v, %d lines, %d records", r.Failure, len(r.Log), len(r.Records))
			}
		})
	}
}
