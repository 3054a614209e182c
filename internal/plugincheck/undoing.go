package plugincheck

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// undoingChecks look at undo and at what is declared.
var undoingChecks = []check{
	{
		id:    "undo-junk",
		title: "an undo of a record that no run made gets a clean answer, and not undone",
		hint:  "read the record strictly, check that the effect is there and its own, and else answer NotMine, NothingToDo or an error",
		applies: func(s *subject) string {
			if reason := served(s); reason != "" {
				return reason
			}
			if !s.serves.CanUndo {
				return "it has no undo"
			}
			return needsSandbox(s) // what it does, it does for real
		},
		run: refusesJunk,
	},
	{
		id:      "declarations",
		title:   "what it declares is there",
		hint:    "implement it, or don't declare it (can_undo, can_list_targets, can_check)",
		applies: served,
		run: func(_ context.Context, s *subject) verdict {
			if missing := s.evidence.unimplemented; len(missing) > 0 {
				return failed("it declares what it does not implement: %s", strings.Join(missing, ", "))
			}
			if !s.serves.CanUndo && !s.serves.CanListTargets && !s.serves.CanCheck {
				return verdict{outcome: Passed, message: "it declares nothing besides runs"}
			}
			return passed()
		},
	},
}

// undoTimeout is how long one undo may take.
const undoTimeout = 20 * time.Second

// junk are records that no run made.
func junk() []json.RawMessage {
	long := json.RawMessage(`{"x":"` + strings.Repeat("x", engine.MaxUndoRecord-10) + `"}`)
	return []json.RawMessage{json.RawMessage("null"), json.RawMessage("{}"), json.RawMessage(`"x"`), long}
}

func refusesJunk(ctx context.Context, s *subject) verdict {
	s.note("undo", "an undo")
	mark := s.saw.mark()
	for i, doc := range junk() {
		a, err := s.host.Undo(ctx, engine.UndoCall{
			Record: engine.UndoRecord{
				UndoID: engine.UndoID{Executor: engine.NewExecutorID(), Sequence: uint64(i) + 1},
				Ref:    s.serves.Ref, Digest: s.serves.Digest, Record: doc,
			},
			Config: engine.Config{Ref: s.serves.Ref, Doc: s.exampleDoc()}, Seed: seed, Attempt: 1, Timeout: undoTimeout,
		}, func(engine.LogEntry) {})
		switch {
		case err != nil && s.unimplemented("Undo", err):
			return notRun("Undo is declared, but not implemented: see declarations")
		case err != nil:
			return failed("given the record %s: %s", excerpt(string(doc)), brief(inner(err).Error()))
		case panicked(a.Message):
			return failed("given the record %s it panics: %s", excerpt(string(doc)), brief(a.Message))
		case a.Outcome == engine.OutcomeUndone:
			return failed("given the record %s it answers undone, although nothing was there to undo", excerpt(string(doc)))
		}
	}
	if w := changed(s.saw.since(mark)); w != "" {
		return failed("given a record that no run made, %s", w)
	}
	return passed()
}

// undo has a record undone, asking again where the answer is retry. What ends ctx
// does not end an undo: it has a bound of its own. The end by force does.
func (s *subject) undo(ctx context.Context, r record) (engine.UndoAnswer, error) {
	ctx = context.WithoutCancel(ctx)
	s.note("undo", "an undo")
	for attempt := 1; ; attempt++ {
		a, err := s.live.Undo(ctx, engine.UndoCall{
			Record: r.UndoRecord, Config: engine.Config{Ref: r.Ref, Doc: r.config}, Seed: seed,
			Attempt: attempt, Timeout: undoTimeout,
		}, func(engine.LogEntry) {})
		if err == nil && a.Outcome != engine.OutcomeRetry || attempt == undoAttempts || s.forced() {
			return a, err
		}
		time.Sleep(undoPause)
	}
}

// An undo that is to be retried, or breaks, is.
const (
	undoAttempts = 3
	undoPause    = 500 * time.Millisecond
)

// unsettled says in words why a record is not taken back; "" if it is.
func unsettled(a engine.UndoAnswer, err error) string {
	switch {
	case err != nil:
		return brief(inner(err).Error())
	case a.Outcome.Settles():
		return ""
	case a.Message != "":
		return fmt.Sprintf("it answered %s: %s", a.Outcome, brief(a.Message))
	}
	return fmt.Sprintf("it answered %s", a.Outcome)
}
