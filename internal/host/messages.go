package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// The bounds of texts in messages, in bytes; longer ones are cut.
const (
	maxText  = 64 << 10
	maxShort = 1 << 10
)

func startMessage(ref engine.Ref, s engine.Start, grace time.Duration) *pluginv1.HostMessage {
	return &pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{
		Ref: string(ref), RunId: string(s.Executor), PlanId: string(s.Plan), PlanName: s.PlanName, Name: s.Name,
		Config: s.Config.Doc, Seed: s.Seed, Due: timestamppb.New(s.Due),
		Timeout: durationpb.New(s.Timeout), Grace: durationpb.New(grace), Zone: s.Zone,
		DryRun: s.DryRun,
	}}}
}

// stopMessage says why a context ended.
func stopMessage(cause error) *pluginv1.HostMessage {
	stop := &pluginv1.Stop{Cause: pluginv1.StopCause_STOP_CAUSE_HALTED, Reason: cut(cause.Error(), maxShort)}
	var r *engine.StopReason
	switch {
	case errors.As(cause, &r) && r.Shutdown:
		stop.Cause = pluginv1.StopCause_STOP_CAUSE_SHUTDOWN
	case errors.As(cause, &r) && r.State == engine.TimedOut, errors.Is(cause, context.DeadlineExceeded):
		stop.Cause = pluginv1.StopCause_STOP_CAUSE_TIMED_OUT
	}
	return &pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stop{Stop: stop}}
}

func ackMessage(sequence uint64, err error) *pluginv1.HostMessage {
	ack := &pluginv1.UndoAck{Sequence: sequence}
	if err != nil {
		ack.Error = cut(err.Error(), maxShort)
		if ack.GetError() == "" {
			ack.Error = "the record could not be stored"
		}
	}
	return &pluginv1.HostMessage{Message: &pluginv1.HostMessage_UndoAck{UndoAck: ack}}
}

// newUndo reads a record as announced; an error is for the plugin.
func newUndo(u *pluginv1.UndoRecord) (engine.NewUndo, error) {
	switch {
	case u.GetSequence() == 0:
		return engine.NewUndo{}, errors.New("sequences count from 1")
	case len(u.GetRecord()) > engine.MaxUndoRecord || !validJSON(u.GetRecord()):
		return engine.NewUndo{}, fmt.Errorf("an undo record is a JSON document of at most %d bytes", engine.MaxUndoRecord)
	case u.GetUndoAt() != nil && !u.GetUndoAt().IsValid():
		return engine.NewUndo{}, errors.New("undo_at is no valid instant")
	}
	n := engine.NewUndo{
		Sequence: u.GetSequence(), Record: u.GetRecord(), Description: cut(u.GetDescription(), maxShort),
	}
	if u.GetUndoAt() != nil {
		n.UndoAt = u.GetUndoAt().AsTime()
	}
	return n, nil
}

var levels = map[pluginv1.LogLevel]string{
	pluginv1.LogLevel_LOG_LEVEL_DEBUG: "debug",
	pluginv1.LogLevel_LOG_LEVEL_INFO:  "info",
	pluginv1.LogLevel_LOG_LEVEL_WARN:  "warn",
	pluginv1.LogLevel_LOG_LEVEL_ERROR: "error",
}

// logEntry reads a log entry. Fields that are no JSON object are left out.
func logEntry(e *pluginv1.LogEntry, source string) engine.LogEntry {
	out := engine.LogEntry{
		At: instant(e.GetAt(), time.Time{}), Level: levels[e.GetLevel()], Source: source, Message: cut(e.GetMessage(), maxText),
	}
	if out.Level == "" {
		out.Level = "info"
	}
	if f := e.GetFields(); len(f) > 0 && len(f) <= maxText && jsonObject(f) {
		out.Fields = f
	}
	return out
}

func progress(p *pluginv1.Progress) engine.Progress {
	percent := p.GetPercent()
	if math.IsNaN(percent) || percent < 0 {
		percent = -1
	}
	return engine.Progress{Percent: min(percent, 100), Message: cut(p.GetMessage(), maxShort), At: time.Now().UTC()}
}

func targets(list []*pluginv1.Target) []engine.Target {
	out := make([]engine.Target, len(list))
	for i, t := range list {
		out[i] = engine.Target{
			ID: cut(t.GetId(), maxShort), Name: cut(t.GetName(), maxShort), State: cut(t.GetState(), maxShort),
		}
		if d := t.GetDetail(); len(d) > 0 && len(d) <= maxText && jsonObject(d) {
			out[i].Detail = d
		}
	}
	return out
}

// failure is nil for nil.
func failure(f *pluginv1.Failure) *engine.Failure {
	if f == nil {
		return nil
	}
	out := &engine.Failure{Message: cut(f.GetMessage(), maxText), Pointer: cut(f.GetPointer(), maxShort), Stack: cut(f.GetStack(), maxText)}
	if out.Message == "" {
		out.Message = "it failed and does not say why"
	}
	return out
}

var outcomes = map[pluginv1.Outcome]engine.Outcome{
	pluginv1.Outcome_OUTCOME_UNDONE:        engine.OutcomeUndone,
	pluginv1.Outcome_OUTCOME_NOTHING_TO_DO: engine.OutcomeNothingToDo,
	pluginv1.Outcome_OUTCOME_NOT_MINE:      engine.OutcomeNotMine,
	pluginv1.Outcome_OUTCOME_RETRY:         engine.OutcomeRetry,
	pluginv1.Outcome_OUTCOME_FAILED:        engine.OutcomeFailed,
}

// undoAnswer reads an answer; an outcome that is not known is a failure.
func undoAnswer(a *pluginv1.Answer) engine.UndoAnswer {
	out := engine.UndoAnswer{Outcome: outcomes[a.GetOutcome()], Message: cut(a.GetMessage(), maxText)}
	if out.Outcome == "" {
		out.Outcome = engine.OutcomeFailed
	}
	return out
}

// instant reads a plugin's time; one that is missing, invalid, in the future or
// before the earliest is now.
func instant(t *timestamppb.Timestamp, earliest time.Time) time.Time {
	now := time.Now()
	if t == nil || !t.IsValid() {
		return now.UTC()
	}
	at := t.AsTime()
	if at.After(now) || at.Before(earliest) {
		return now.UTC()
	}
	return at
}

// cut bounds a text and makes it valid UTF-8.
func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

func validJSON(doc []byte) bool { return len(doc) > 0 && json.Valid(doc) }

func jsonObject(doc []byte) bool {
	var o map[string]json.RawMessage
	return json.Unmarshal(doc, &o) == nil && o != nil
}
