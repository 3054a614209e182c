//go:build linux

package host

import (
	"errors"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestTargets(t *testing.T) {
	b := openOdd(t)
	o := b.offer(engine.KindAttack, "odd:Odd")
	if !o.CanListTargets || !o.CanDryRun {
		t.Errorf("offered %+v", o.Descriptor)
	}
	ask := func(mode string) ([]engine.Target, error) {
		defer b.checkNothingLeft(t)
		return b.Targets(t.Context(), o, engine.TargetsCall{Config: configIn(mode), Seed: 7, Zone: "Europe/Madrid"})
	}
	list, err := ask("ok")
	if err != nil || len(list) != 1 || list[0].ID != "t-1" || list[0].Name != "odd:Odd" || list[0].State != "selected" ||
		string(list[0].Detail) != `{"seed":7,"zone":"Europe/Madrid"}` {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := ask("many"); err != nil || len(list) != engine.MaxTargets {
		t.Errorf("%d targets, %v", len(list), err)
	}
	var refusal *engine.Failure
	if _, err := ask("refuse"); !errors.As(err, &refusal) || refusal.Pointer != "/args/group" || refusal.Message != "no such group" {
		t.Errorf("refusal: %v", err)
	}
	for mode, want := range map[string]string{
		"hang": "targets of odd:Odd: no answer within 2s",
		"die":  "targets of odd:Odd: its process ended without an answer: it exited with code 4",
	} {
		if _, err := ask(mode); err == nil || err.Error() != want || errors.As(err, &refusal) {
			t.Errorf("%s: %v", mode, err)
		}
	}
	if n := b.executions("odd", "run"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
}

func TestADryRunRecordsNoUndo(t *testing.T) {
	b := openOdd(t)
	start := startIn("undo")
	start.DryRun = true
	sink := &record{}
	exit := b.launch("odd:Odd").Run(t.Context(), start, sink)
	if !exit.Finished || exit.Failure != nil || exit.NotStarted {
		t.Fatalf("%+v", exit)
	}
	const refusal = "a dry run does no harm, so there is nothing to undo"
	if len(sink.undos) != 0 || sink.text("attack") != `first "`+refusal+`" second "`+refusal+`"` {
		t.Errorf("undos %v, %s", sink.undos, sink.text("attack"))
	}
}
