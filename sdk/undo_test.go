package sdk

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// undo has the record undone and returns the log and the answer.
func undo(t *testing.T, h *host, request *pluginv1.UndoRequest) (log []string, answer *pluginv1.Answer) {
	t.Helper()
	stream, err := h.client.Undo(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return log, answer
		}
		if err != nil {
			t.Fatal(err)
		}
		if answer != nil {
			t.Fatalf("a message after the answer: %v", m)
		}
		if entry := m.GetLog(); entry != nil {
			log = append(log, entry.GetMessage())
		}
		answer = m.GetAnswer()
	}
}

func TestUndo(t *testing.T) {
	for _, c := range []struct {
		rule    string
		undo    func(ctx context.Context, args textArgs, call *UndoCall) (Outcome, error)
		outcome pluginv1.Outcome
		message string
	}{
		{
			rule: "the author gets all there is",
			undo: func(_ context.Context, args textArgs, call *UndoCall) (Outcome, error) {
				var record []int
				if err := call.Record(&record); err != nil {
					return Failed, err
				}
				if args.Text != "x" || len(record) != 2 || call.ID() != "run-1" || call.Sequence() != 3 || call.Attempt() != 2 ||
					call.Rand().Uint64() != newRand(7).Uint64() {
					return Failed, errors.New("something is missing")
				}
				call.Log().Info("undoing")
				return Undone, nil
			},
			outcome: pluginv1.Outcome_OUTCOME_UNDONE,
		},
		{
			rule:    "an error is a failure",
			undo:    func(context.Context, textArgs, *UndoCall) (Outcome, error) { return Undone, errors.New("no luck") },
			outcome: pluginv1.Outcome_OUTCOME_FAILED, message: "no luck",
		},
		{
			rule:    "an error with Retry asks again",
			undo:    func(context.Context, textArgs, *UndoCall) (Outcome, error) { return Retry, errors.New("not yet") },
			outcome: pluginv1.Outcome_OUTCOME_RETRY, message: "not yet",
		},
		{
			rule:    "a panic is a failure with its stack",
			undo:    func(context.Context, textArgs, *UndoCall) (Outcome, error) { panic("ouch") },
			outcome: pluginv1.Outcome_OUTCOME_FAILED, message: "panic: ouch\ngoroutine ",
		},
		{
			rule:    "no outcome is a failure",
			undo:    func(context.Context, textArgs, *UndoCall) (Outcome, error) { return "", nil },
			outcome: pluginv1.Outcome_OUTCOME_FAILED, message: `the plugin answered the unknown outcome ""`,
		},
		{rule: "no undo is a failure", outcome: pluginv1.Outcome_OUTCOME_FAILED, message: "the attack t:A has no undo"},
		{
			rule: "a record that does not fit",
			undo: func(_ context.Context, _ textArgs, call *UndoCall) (Outcome, error) {
				var record string
				return Undone, call.Record(&record)
			},
			outcome: pluginv1.Outcome_OUTCOME_FAILED, message: "read the undo record: json: cannot unmarshal array",
		},
		{
			rule: "a timeout ends the context",
			undo: func(ctx context.Context, _ textArgs, _ *UndoCall) (Outcome, error) {
				<-ctx.Done()
				return Failed, context.Cause(ctx)
			},
			outcome: pluginv1.Outcome_OUTCOME_FAILED, message: "stopped: timed out",
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := attack(func(context.Context, textArgs, *Run) error { t.Error("it ran"); return nil })
			a.Undo = c.undo
			h := newHost(t, a)
			log, answer := undo(t, h, &pluginv1.UndoRequest{
				Ref: "t:A", RunId: "run-1", Sequence: 3, Attempt: 2, Record: []byte(`[1,2]`), Seed: 7,
				Config: config(t, "t:A", textArgs{"x"}), Timeout: durationpb.New(500 * time.Millisecond),
			})
			if answer.GetOutcome() != c.outcome || !strings.HasPrefix(answer.GetMessage(), c.message) || (c.message == "") != (answer.GetMessage() == "") {
				t.Errorf("answer %v", answer)
			}
			if c.outcome == pluginv1.Outcome_OUTCOME_UNDONE && (len(log) != 1 || log[0] != "undoing") {
				t.Errorf("log %q", log)
			}
		})
	}
}

func TestUndoEndsWithTheProcess(t *testing.T) {
	running := make(chan struct{})
	a := attack(func(context.Context, textArgs, *Run) error { return nil })
	a.Undo = func(ctx context.Context, _ textArgs, _ *UndoCall) (Outcome, error) {
		close(running)
		<-ctx.Done()
		return Retry, context.Cause(ctx)
	}
	h := newHost(t, a)
	go func() {
		<-running
		h.life.end(&StopError{Cause: Terminated})
	}()
	_, answer := undo(t, h, &pluginv1.UndoRequest{Ref: "t:A", Config: config(t, "t:A", nil)})
	if answer.GetOutcome() != pluginv1.Outcome_OUTCOME_RETRY || answer.GetMessage() != "stopped: terminated" {
		t.Errorf("answer %v", answer)
	}
	h.leaves(t)
}
