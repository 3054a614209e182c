package byhand

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Call says what is to be run.
type Call struct {
	Offer engine.Offer
	// Config is the whole config; see ConfigOf.
	Config engine.Config
	Name   string // of the plan, as the plugin sees it
	Seed   int64
	Zone   string // IANA name; where times without an offset are read
	// Timeout bounds the run.
	Timeout time.Duration
	DryRun  bool
	// TakeBack has what the run leaves undone, even if it succeeded.
	TakeBack bool
	Undoing  Undoing
}

// Undoing bounds the taking back. The zero value is not useful.
type Undoing struct {
	Timeout  time.Duration // of one attempt
	Attempts int           // at each record, with pauses between them
}

// ConfigOf puts a whole config together: of args (none: an empty object), or whole
// as it is, for a plugin whose configs have another shape. The error has
// CodeInvalid and says what is wrong with it, all of it, as the API does.
func ConfigOf(o engine.Offer, args, whole json.RawMessage) (engine.Config, error) {
	doc := whole
	if doc == nil {
		if args == nil {
			args = json.RawMessage("{}")
		}
		var err error
		if doc, err = json.Marshal(map[string]any{"ref": o.Ref, "args": args}); err != nil {
			return engine.Config{}, engine.Errorf(engine.CodeInvalid, "read the args: %w", err)
		}
	}
	var c engine.Config
	if err := json.Unmarshal(doc, &c); err != nil {
		return engine.Config{}, engine.Errorf(engine.CodeInvalid, "read the config: %w", err)
	}
	c, err := c.With(o.Ref, nil) // an alias, or none at all
	if err != nil {
		return engine.Config{}, engine.Errorf(engine.CodeInvalid, "%w", err)
	}
	return c, refusal(o.Ref, o.Problems(c, ""))
}

// refusal makes an error of problems; nil when there are none.
func refusal(ref engine.Ref, problems []engine.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "the config does not fit %s:", ref)
	for _, p := range problems {
		fmt.Fprintf(&text, "\n  %s: %s", place(p.Pointer), p.Message)
	}
	return &engine.Error{Code: engine.CodeInvalid, Message: text.String(), Problems: problems}
}

// place is a JSON pointer in words.
func place(pointer string) string {
	if pointer == "" {
		return "the config"
	}
	return pointer
}

// refusedBy is an attack's or planner's own refusal of a config; nil when err is
// something else.
func refusedBy(ref engine.Ref, err error, scrub engine.Scrubber) error {
	f, ok := errors.AsType[*engine.Failure](err)
	if !ok || f.Stack != "" {
		return nil
	}
	return refusal(ref, []engine.Problem{{Pointer: scrub.Text(f.Pointer), Message: scrub.Text(f.Message)}})
}

// Reporter is told what happens as it happens, with secrets taken out. Its methods
// are called from several goroutines; while one takes its time, the plugin waits.
type Reporter interface {
	// Warning is something to know before the run.
	Warning(text string)
	// Starting comes when the run is about to start.
	Starting(pid int)
	Log(e engine.LogEntry)
	Progress(p engine.Progress)
	Targets(list []engine.Target)
	// Stopping comes when the run is told to stop, with the reason.
	Stopping(why string)
	// Undoing comes before each attempt at a record, Undone after it. After
	// pause another one follows; 0: none.
	Undoing(r Record)
	Undone(r Record, pause time.Duration)
}
