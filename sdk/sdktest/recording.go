package sdktest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Recording is what a run did.
type Recording struct {
	// Failure is nil when the attack succeeded.
	Failure *Failure
	// Stopped is why the run was told to stop, "" when it was not. The daemon
	// names the run's state after it, even if the attack then succeeded.
	Stopped  sdk.StopCause
	Log      []LogEntry
	Progress []Progress
	// Targets are those reported, each as it was reported last, in the order of
	// their first report. A detail is what its JSON says: a map, as a rule.
	Targets []sdk.Target
	// Records are the undo records that were stored, in the order they were made.
	Records []Record
	// Result is the last one set, nil if none was.
	Result json.RawMessage
}

// Failure is how an attack or planner failed, as the daemon sees it.
type Failure struct {
	Message string
	Pointer string // a JSON pointer into the config
	Stack   string // of a panic
}

func (f *Failure) Error() string { return f.Message }

// LogEntry is a line of a run's log.
type LogEntry struct {
	Level   string // debug, info, warn, error
	Message string
	Fields  map[string]any
}

// Progress is how far a run said it was.
type Progress struct {
	Percent float64
	Message string
}

// Record is an undo record.
type Record struct {
	Sequence    uint64
	Doc         json.RawMessage
	Description string
	UndoAt      time.Time // zero: none
	// Outcome is what the run itself reported of it; "" when it is still open.
	Outcome sdk.Outcome
	Message string
}

// RecordOf returns a record as a run would have made it, to see what Undo makes
// of it. The value is anything that marshals to JSON.
func RecordOf(t testing.TB, value any) Record {
	t.Helper()
	return Record{Sequence: 1, Doc: encode(t, "the undo record", value)}
}

// open says whether the daemon would undo the record.
func (r Record) open() bool {
	return r.Outcome != sdk.Undone && r.Outcome != sdk.NothingToDo && r.Outcome != sdk.NotMine
}

// Open are the records that the daemon would undo, the newest first, which is
// its order.
func (r *Recording) Open() []Record {
	var open []Record
	for _, record := range slices.Backward(r.Records) {
		if record.open() {
			open = append(open, record)
		}
	}
	return open
}

// copy returns the recording so far.
func (r *Recording) copy() *Recording {
	c := *r
	c.Log, c.Progress = slices.Clone(r.Log), slices.Clone(r.Progress)
	c.Targets, c.Records = slices.Clone(r.Targets), slices.Clone(r.Records)
	return &c
}

// take adds what a message says.
func (r *Recording) take(message *pluginv1.PluginMessage) {
	switch m := message.GetMessage().(type) {
	case *pluginv1.PluginMessage_Log:
		r.Log = append(r.Log, logEntry(m.Log))
	case *pluginv1.PluginMessage_Progress:
		r.Progress = append(r.Progress, Progress{m.Progress.GetPercent(), m.Progress.GetMessage()})
	case *pluginv1.PluginMessage_Targets:
		for _, wire := range m.Targets.GetTargets() {
			r.hit(target(wire))
		}
	case *pluginv1.PluginMessage_Undo:
		r.Records = append(r.Records, record(m.Undo))
	case *pluginv1.PluginMessage_Undone:
		r.undone(m.Undone)
	case *pluginv1.PluginMessage_Result:
		r.Result = m.Result.GetDocument()
	case *pluginv1.PluginMessage_Finished:
		r.Failure = failure(m.Finished.GetFailure())
	}
}

func (r *Recording) hit(t sdk.Target) {
	i := slices.IndexFunc(r.Targets, func(known sdk.Target) bool { return known.ID == t.ID })
	if i < 0 {
		r.Targets = append(r.Targets, t)
		return
	}
	r.Targets[i] = t
}

func (r *Recording) undone(report *pluginv1.Undone) {
	for i := range r.Records {
		if r.Records[i].Sequence == report.GetSequence() {
			r.Records[i].Outcome = outcome(report.GetAnswer().GetOutcome())
			r.Records[i].Message = report.GetAnswer().GetMessage()
		}
	}
}

func record(wire *pluginv1.UndoRecord) Record {
	r := Record{Sequence: wire.GetSequence(), Doc: wire.GetRecord(), Description: wire.GetDescription()}
	if at := wire.GetUndoAt(); at != nil {
		r.UndoAt = at.AsTime()
	}
	return r
}

func logEntry(wire *pluginv1.LogEntry) LogEntry {
	e := LogEntry{Level: wordOf(wire.GetLevel().String(), "LOG_LEVEL_"), Message: wire.GetMessage()}
	if fields := wire.GetFields(); len(fields) > 0 {
		_ = json.Unmarshal(fields, &e.Fields) // the SDK writes nothing else
	}
	return e
}

func target(wire *pluginv1.Target) sdk.Target {
	t := sdk.Target{ID: wire.GetId(), Name: wire.GetName(), State: wire.GetState()}
	if detail := wire.GetDetail(); len(detail) > 0 {
		_ = json.Unmarshal(detail, &t.Detail) // the SDK writes nothing else
	}
	return t
}

func failure(wire *pluginv1.Failure) *Failure {
	if wire == nil {
		return nil
	}
	return &Failure{Message: wire.GetMessage(), Pointer: wire.GetPointer(), Stack: wire.GetStack()}
}

func outcome(wire pluginv1.Outcome) sdk.Outcome {
	return sdk.Outcome(wordOf(wire.String(), "OUTCOME_"))
}

// wordOf is the word that stands for a value of the protocol's: the SDK and the
// daemon write them in lower case and without the name of their type.
func wordOf(value, prefix string) string { return strings.ToLower(strings.TrimPrefix(value, prefix)) }
