package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// UndoOption says more about an undo record.
type UndoOption func(*pluginv1.UndoRecord)

// UndoAt has the host take the harm back at a time, by itself, even if the run
// succeeded and this process is long gone.
func UndoAt(t time.Time) UndoOption {
	return func(r *pluginv1.UndoRecord) { r.UndoAt = timestamppb.New(t) }
}

// Describe says in words, for people, what the record takes back.
func Describe(words string) UndoOption {
	return func(r *pluginv1.UndoRecord) { r.Description = text(words) }
}

// Do does harm that can be taken back: it has the host store the record, which
// is anything that marshals to JSON and tells Attack.Undo what to do, and then
// calls harm. When harm fails the record stays open, for the harm may have half
// happened, and the host has it undone.
//
// Harm is not called, and an error returned, when the record could not be stored
// (ErrNotRecorded), or when ctx or the run's own context has ended before harm
// was to begin (their cause). Otherwise the error is harm's. An attack that takes
// its harm back itself uses Record instead.
//
// In a dry run Do neither stores the record nor calls harm: it logs, at info,
// that it left the harm out and how it would be taken back, in the words of
// Describe, and returns nil. The record itself is not logged; it may hold a
// secret. What harm would have produced is then not there for the code that
// follows.
func (r *Run) Do(ctx context.Context, record any, harm func(context.Context) error, opts ...UndoOption) error {
	if r.DryRun() {
		return r.leaveOut(ctx, record, opts)
	}
	stored, err := r.Record(ctx, record, opts...)
	if err != nil {
		return err
	}
	if err := r.ended(ctx); err != nil {
		// Not a promise but an economy: without it the host asks Undo.
		_ = stored.Undone(NothingToDo, "the run was stopped before the harm was done")
		return err
	}
	return harm(ctx)
}

// leaveOut is Do in a dry run. Faults of the record show as they would in a run.
func (r *Run) leaveOut(ctx context.Context, record any, opts []UndoOption) error {
	if err := r.ended(ctx); err != nil {
		return err
	}
	message, err := newUndoRecord(record, opts)
	if err != nil {
		return err
	}
	fields := []any{"record_bytes", len(message.GetRecord())}
	if words := message.GetDescription(); words != "" {
		fields = append(fields, "undo", words)
	}
	if at := message.GetUndoAt(); at != nil {
		fields = append(fields, "undo_at", at.AsTime())
	}
	r.log.Info("dry run: the harm is left out", fields...)
	return nil
}

// Record has the host store an undo record and returns when it is durable; only
// then may the harm be done. Errors are those of Do. Record waits for the host's
// answer even when ctx ends meanwhile: what was sent may have been stored.
//
// In a dry run it returns ErrDryRun, so that an attack which forgets to ask
// DryRun first fails instead of doing harm.
func (r *Run) Record(ctx context.Context, record any, opts ...UndoOption) (*Record, error) {
	if err := r.ended(ctx); err != nil {
		return nil, err
	}
	if r.DryRun() {
		return nil, ErrDryRun
	}
	message, err := newUndoRecord(record, opts)
	if err != nil {
		return nil, err
	}
	sequence, answer, err := r.acks.expect(func(sequence uint64) error {
		message.Sequence = sequence
		return r.out.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Undo{Undo: message}})
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	if err := <-answer; err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	return &Record{run: r, sequence: sequence}, nil
}

// newUndoRecord returns the record as it is sent, still without its sequence.
// The error wraps ErrNotRecorded.
func newUndoRecord(record any, opts []UndoOption) (*pluginv1.UndoRecord, error) {
	doc, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("%w: write it as JSON: %w", ErrNotRecorded, err)
	}
	message := &pluginv1.UndoRecord{Record: doc}
	for _, option := range opts {
		option(message)
	}
	return message, nil
}

// ended returns why no new harm may be done, nil when it may.
func (r *Run) ended(ctx context.Context) error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Record is an undo record that the host has stored.
type Record struct {
	run      *Run
	sequence uint64
}

// Undone reports what came of the run taking the harm back itself, with a word
// for people. Undone, NothingToDo and NotMine settle the record; after any other
// outcome the host has it undone. It works after the run's context has ended,
// until the attack returns. An error means that the report could not be sent;
// the host then has it undone too.
func (r *Record) Undone(outcome Outcome, message string) error {
	wire, ok := outcomes[outcome]
	if !ok {
		return fmt.Errorf("report an undo: unknown outcome %q", outcome)
	}
	return r.run.out.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Undone{Undone: &pluginv1.Undone{
		Sequence: r.sequence, Answer: &pluginv1.Answer{Outcome: wire, Message: text(message)},
	}}})
}

// errNoAnswer is returned when the host can no longer confirm a record.
var errNoAnswer = errors.New("the host is gone before it answered")
