package sdktest

import (
	"context"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Undoing is what came of an undo.
type Undoing struct {
	Outcome sdk.Outcome
	Message string
	Log     []LogEntry
}

// Undo undoes a record as the daemon would in a fresh process: nothing is left
// of the run but the args and the record.
func Undo[T any](t testing.TB, attack sdk.Attack[T], args T, record Record, options ...Option) *Undoing {
	t.Helper()
	c := newCall(t, options)
	o := serve(t, attack, c)
	if !o.CanUndo {
		t.Fatalf("%s has no Undo", o.Ref)
	}
	return o.undo(t, c, o.config(t, c, args), record)
}

func (o *offered) undo(t testing.TB, c *call, config []byte, record Record) *Undoing {
	t.Helper()
	if !json.Valid(record.Doc) {
		t.Fatalf("the undo record is no JSON document: %q", record.Doc)
	}
	request := &pluginv1.UndoRequest{
		Ref: o.Ref, RunId: c.id, Sequence: max(record.Sequence, 1), Record: record.Doc, Config: config, Seed: c.seed,
		Attempt: uint32(c.attempt), //nolint:gosec // the option has seen to that
		Timeout: durationpb.New(c.limit(undoTimeout)),
	}
	stream := &undoStream{}
	ask(t, c, "the undo", undoTimeout, request, func(ctx context.Context, r *pluginv1.UndoRequest) (*pluginv1.UndoRequest, error) {
		stream.ctx = ctx
		return r, o.plugin.Server.Undo(r, stream)
	})
	u := &Undoing{}
	for _, m := range stream.said {
		if entry := m.GetLog(); entry != nil {
			u.Log = append(u.Log, logEntry(entry))
		}
		if answer := m.GetAnswer(); answer != nil {
			u.Outcome, u.Message = outcome(answer.GetOutcome()), answer.GetMessage()
		}
	}
	return u
}
