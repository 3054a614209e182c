package sdk

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Outcome is what came of an undo.
type Outcome string

// The outcomes.
const (
	Undone      Outcome = "undone"
	NothingToDo Outcome = "nothing_to_do" // the harm never happened, or is gone
	NotMine     Outcome = "not_mine"      // somebody else changed it since
	Retry       Outcome = "retry"         // not now; ask again later
	Failed      Outcome = "failed"
)

var outcomes = map[Outcome]pluginv1.Outcome{
	Undone:      pluginv1.Outcome_OUTCOME_UNDONE,
	NothingToDo: pluginv1.Outcome_OUTCOME_NOTHING_TO_DO,
	NotMine:     pluginv1.Outcome_OUTCOME_NOT_MINE,
	Retry:       pluginv1.Outcome_OUTCOME_RETRY,
	Failed:      pluginv1.Outcome_OUTCOME_FAILED,
}

// UndoCall is what Attack.Undo works from, besides the args.
type UndoCall struct {
	request *pluginv1.UndoRequest
	log     *slog.Logger
	rand    *rand.Rand
	words   string
}

// Record reads the record, as Run.Do or Run.Record was given it, into what the
// pointer points to.
func (c *UndoCall) Record(into any) error {
	if err := json.Unmarshal(c.request.GetRecord(), into); err != nil {
		return fmt.Errorf("read the undo record: %w", err)
	}
	return nil
}

// ID is the id of the run that made the record.
func (c *UndoCall) ID() string { return c.request.GetRunId() }

// Config is the attack's whole config, as in the run.
func (c *UndoCall) Config() json.RawMessage { return c.request.GetConfig() }

// Sequence is the number of the record within its run, from 1.
func (c *UndoCall) Sequence() uint64 { return c.request.GetSequence() }

// Attempt counts the tries to undo this record, from 1.
func (c *UndoCall) Attempt() int { return int(c.request.GetAttempt()) }

// Rand draws from the seed of the run that made the record. It is for one
// goroutine only.
func (c *UndoCall) Rand() *rand.Rand { return c.rand }

// Log returns a logger whose records go to the run's log.
func (c *UndoCall) Log() *slog.Logger { return c.log }

// Explain says in words, for people, what came of the undo; the last ones count.
// An error that is returned says it by itself.
func (c *UndoCall) Explain(format string, args ...any) { c.words = fmt.Sprintf(format, args...) }

// answer words what Attack.Undo returned. An error makes it a failure, unless
// the author asks to be called again.
func answer(outcome Outcome, words string, err error) *pluginv1.Answer {
	if err != nil {
		wire := pluginv1.Outcome_OUTCOME_FAILED
		if outcome == Retry {
			wire = pluginv1.Outcome_OUTCOME_RETRY
		}
		message := err.Error()
		if panicked, ok := asType[*panicError](err); ok {
			message += "\n" + string(panicked.stack)
		}
		return &pluginv1.Answer{Outcome: wire, Message: text(message)}
	}
	wire, ok := outcomes[outcome]
	if !ok {
		return &pluginv1.Answer{
			Outcome: pluginv1.Outcome_OUTCOME_FAILED,
			Message: text(fmt.Sprintf("the plugin answered the unknown outcome %q", outcome)),
		}
	}
	return &pluginv1.Answer{Outcome: wire, Message: text(words)}
}
