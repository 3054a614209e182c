package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// What a run says of a target again takes the place of what it said before.
func TestTheLatestWordOfATargetIsOnRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, d *daemon) {
		d.stage.attacks["test:X"] = func(_ context.Context, _ engine.Start, sink engine.Sink) engine.Exit {
			sink.Targets([]engine.Target{{ID: "a", State: "selected"}, {Name: "no id", State: "selected"}, {ID: "b", State: "selected"}})
			sink.Targets([]engine.Target{{Name: "no id", State: "skipped"}, {ID: "b", State: "hit"}, {ID: "c", State: "hit"}})
			return engine.Exit{Finished: true}
		}
		plan := d.plan("test:X", time.Second)
		in(2 * time.Second)
		run, _, err := d.RunOf(t.Context(), d.only(plan.ID).ID)
		if err != nil {
			t.Fatal(err)
		}
		want := "[{a  selected } { no id skipped } {b  hit } {c  hit }]"
		if got := fmt.Sprintf("%s", run.Targets); got != want {
			t.Errorf("on record are %s, want %s", got, want)
		}
	})
}
