package sdk

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// dryRun runs an attack that declares a dry run, in one, and returns what it
// said between Started and Finished.
func dryRun(t *testing.T, run func(ctx context.Context, args textArgs, run *Run) error) ([]*pluginv1.PluginMessage, *pluginv1.Failure) {
	t.Helper()
	a := attack(run)
	a.DryRun = true
	r := openRun(t, newHost(t, a).client)
	r.startDry("t:A")
	all, failure := r.rest()
	for _, m := range all {
		if m.GetUndo() != nil || m.GetUndone() != nil {
			t.Errorf("an undo record in a dry run: %v", m)
		}
	}
	if all[0].GetStarted() == nil {
		t.Fatalf("messages %v", all)
	}
	return all[1 : len(all)-1], failure
}

func TestDryRunLeavesTheHarmOut(t *testing.T) {
	never := func(context.Context) error { t.Error("harm in a dry run"); return nil }
	at := time.Date(2030, time.January, 2, 3, 4, 5, 0, time.UTC)
	said, failure := dryRun(t, func(ctx context.Context, _ textArgs, run *Run) error {
		if !run.DryRun() {
			t.Error("the run is no dry run")
		}
		return errors.Join(
			run.Do(ctx, []int{1, 2}, never),
			run.Do(ctx, "a-secret", never, Describe("removes /tmp/x"), UndoAt(at)),
		)
	})
	if failure != nil || len(said) != 2 {
		t.Fatalf("failure %v, messages %v", failure, said)
	}
	for i, want := range []string{
		`{"record_bytes":5}`, `{"record_bytes":10,"undo":"removes /tmp/x","undo_at":"2030-01-02T03:04:05Z"}`,
	} {
		entry := said[i].GetLog()
		if entry.GetMessage() != "dry run: the harm is left out" || entry.GetLevel() != pluginv1.LogLevel_LOG_LEVEL_INFO || string(entry.GetFields()) != want {
			t.Errorf("entry %q %s, want fields %s", entry.GetMessage(), entry.GetFields(), want)
		}
	}
}

// An attack that forgets to ask DryRun before it records must not get a record,
// after which it would do the harm.
func TestDryRunRecordsNothing(t *testing.T) {
	said, failure := dryRun(t, func(ctx context.Context, _ textArgs, run *Run) error {
		record, err := run.Record(ctx, "x")
		if record != nil || !errors.Is(err, ErrDryRun) {
			t.Errorf("Record = %v, %v", record, err)
		}
		return err
	})
	if failure.GetMessage() != ErrDryRun.Error() || len(said) != 0 {
		t.Errorf("failure %v, messages %v", failure, said)
	}
}

// What would keep a run from doing harm shows in the dry run too.
func TestDryRunFindsTheSameFaults(t *testing.T) {
	never := func(context.Context) error { t.Error("harm in a dry run"); return nil }
	said, failure := dryRun(t, func(ctx context.Context, _ textArgs, run *Run) error {
		if err := run.Do(ctx, func() {}, never); !errors.Is(err, ErrNotRecorded) {
			t.Errorf("Do of what is no JSON says %v", err)
		}
		ended, cancel := context.WithCancelCause(ctx)
		cancel(errors.New("cut short"))
		return run.Do(ended, "x", never)
	})
	if failure.GetMessage() != "cut short" || len(said) != 0 {
		t.Errorf("failure %v, messages %v", failure, said)
	}
}

func TestNoDryRunUnlessDeclared(t *testing.T) {
	h := newHost(t, attack(func(context.Context, textArgs, *Run) error { t.Error("it ran"); return nil }))
	r := openRun(t, h.client)
	r.startDry("t:A")
	all, failure := r.rest()
	if len(all) != 1 || failure.GetMessage() != "the attack t:A has no dry run" {
		t.Errorf("messages %v", all)
	}
}

func TestARunIsNoDryRunUnlessAskedFor(t *testing.T) {
	done := false
	a := attack(func(ctx context.Context, _ textArgs, run *Run) error {
		if run.DryRun() {
			t.Error("the run is a dry run")
		}
		return run.Do(ctx, "x", func(context.Context) error { done = true; return nil })
	})
	a.DryRun = true
	r := openRun(t, newHost(t, a).client)
	r.start("t:A", nil)
	if _, failure := r.rest(); failure != nil || !done {
		t.Errorf("failure %v, done %t", failure, done)
	}
}
