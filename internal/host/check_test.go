//go:build linux

package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestCheck(t *testing.T) {
	b := openOdd(t)
	o := b.offer(engine.KindAttack, "odd:Odd")
	if !o.CanCheck {
		t.Errorf("offered %+v", o.Descriptor)
	}
	ask := func(mode string) ([]string, error) {
		defer b.checkNothingLeft(t)
		return b.Check(t.Context(), o, configIn(mode))
	}
	list, err := ask("ok")
	if err != nil || len(list) != 1 || list[0] != `odd:Odd {"args":{"mode":"ok"},"ref":"odd:Odd"}` {
		t.Errorf("%q, %v", list, err)
	}
	if list, err := ask("many"); err != nil || len(list) != 100 {
		t.Errorf("%d warnings, %v", len(list), err)
	}
	if list, err := ask("long"); err != nil || len(list) != 1 || len(list[0]) != maxText+len("…") {
		t.Errorf("%d warnings, %v", len(list), err)
	}
	var refusal *engine.Failure
	if _, err := ask("refuse"); !errors.As(err, &refusal) || refusal.Pointer != "/args/provider" || refusal.Message != "no such provider" {
		t.Errorf("refusal: %v", err)
	}
	for mode, want := range map[string]string{
		"hang": "check its config: no answer within 2s",
		"die":  "check its config: its process ended without an answer: it exited with code 4; its last words: cannot check",
		"huge": "check its config: a message is larger than 16 MiB",
	} {
		if _, err := ask(mode); err == nil || !strings.HasPrefix(err.Error(), want) || errors.As(err, &refusal) {
			t.Errorf("%s: %v", mode, err)
		}
	}
	if n := b.executions("odd", "run"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
}

// A plugin of before there were checks is not asked, and were it, it would say
// so.
func TestAPluginWithoutCheckBreaksNothing(t *testing.T) {
	b := openOdd(t)
	if _, err := b.Check(t.Context(), b.offer(engine.KindAttack, "odd:Odd"), configIn("unimplemented")); err == nil ||
		!strings.HasPrefix(err.Error(), "check its config: ") {
		t.Errorf("%v", err)
	}
}
