package plugincheck

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// exampleChecks look at the examples of a ref.
var exampleChecks = []check{
	{
		id:    "example",
		title: "it has an example",
		hint:  "give a valid and typical config: it is what people copy first, and what this check runs",
		run: func(_ context.Context, s *subject) verdict {
			if len(s.offer.Examples) == 0 {
				return failed("it has none")
			}
			return passed()
		},
	},
	{
		id:      "example-valid",
		title:   "its examples fit its schema",
		hint:    "mend the example, or the schema",
		applies: hasExample,
		run:     examplesFit,
	},
	{
		id:      "example-ref",
		title:   "its examples are configs of this ref",
		hint:    `an example is the whole config: {"ref": "module:Name", "args": {…}}`,
		applies: hasWholeExample,
		run:     examplesNameRef,
	},
}

// hasExample says why there is none to look at.
func hasExample(s *subject) string {
	if len(s.offer.Examples) == 0 {
		return "it has no example"
	}
	return hasSchema(s)
}

// hasFittingExample says why there is none to work with.
func hasFittingExample(s *subject) string {
	if reason := hasExample(s); reason != "" {
		return reason
	}
	if compiled, err := s.compiled(); err != nil || len(compiled.Validate(s.offer.Examples[0])) > 0 {
		return "its first example does not fit its schema"
	}
	return ""
}

// hasWholeExample says why the examples have no ref: as CME had them, those of a
// planner whose schema describes the bare args are bare args.
func hasWholeExample(s *subject) string {
	if len(s.offer.Examples) == 0 {
		return "it has no example"
	}
	if s.bareArgs() {
		return "its schema describes the bare args, and so do its examples"
	}
	return ""
}

// bareArgs says whether schema and examples are of the bare args, without ref.
func (s *subject) bareArgs() bool {
	compiled, err := s.compiled()
	return err == nil && s.offer.Kind == string(engine.KindPlanner) && !compiled.NestsArgs() && !s.mentions("ref")
}

func examplesFit(_ context.Context, s *subject) verdict {
	compiled, err := s.compiled()
	if err != nil {
		return failed("%s", err)
	}
	for i, example := range s.offer.Examples {
		if wrong := compiled.Validate(example); len(wrong) > 0 {
			return failed("example %d: %s%s", i+1, place(wrong[0].Pointer), wrong[0].Message)
		}
	}
	return passed()
}

// place begins what is said of a place in a document.
func place(pointer string) string {
	if pointer == "" {
		return ""
	}
	return pointer + ": "
}

func examplesNameRef(_ context.Context, s *subject) verdict {
	for i, example := range s.offer.Examples {
		var config struct {
			Ref *string `json:"ref"`
		}
		switch err := json.Unmarshal(example, &config); {
		case err != nil:
			return failed("example %d is no config: %s", i+1, err)
		case config.Ref == nil:
			return failed("example %d has no ref", i+1)
		case *config.Ref != s.offer.Ref:
			return failed("the ref of example %d is %q", i+1, cut(*config.Ref, 100))
		}
	}
	return passed()
}

// plannerConfig returns the first example as the planner's config in a plan. Its
// reason says why there is none.
func (s *subject) plannerConfig() (c engine.Config, reason string) {
	if reason := hasFittingExample(s); reason != "" {
		return engine.Config{}, reason
	}
	doc := s.offer.Examples[0]
	if s.bareArgs() {
		whole, err := json.Marshal(map[string]any{"ref": s.offer.Ref, "args": doc})
		if err != nil {
			return engine.Config{}, "its first example can't be read: " + err.Error()
		}
		doc = whole
	}
	return engine.Config{Ref: engine.Ref(s.offer.Ref), Doc: doc}, ""
}

// withMember returns a config with a member added to its args, or to the config
// itself where it has none, and a pointer to the member.
func withMember(config json.RawMessage, nested bool, name, value string) (changed json.RawMessage, at string, err error) {
	whole, err := decodeObject(config)
	if err != nil {
		return nil, "", err
	}
	if !nested {
		whole[name] = json.RawMessage(value)
		changed, err = json.Marshal(whole)
		return changed, "/" + name, err
	}
	args := map[string]json.RawMessage{}
	if text, ok := whole["args"]; ok {
		if args, err = decodeObject(text); err != nil {
			return nil, "", fmt.Errorf("its args: %w", err)
		}
	}
	args[name] = json.RawMessage(value)
	if whole["args"], err = json.Marshal(args); err != nil {
		return nil, "", err
	}
	changed, err = json.Marshal(whole)
	return changed, "/args/" + name, err
}

func decodeObject(text json.RawMessage) (map[string]json.RawMessage, error) {
	if bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		return nil, errors.New("it is null, not an object")
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal(text, &members)
	return members, err
}
