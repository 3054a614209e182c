package plugincheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// callChecks look at the calls of an attack that are no runs.
var callChecks = []check{
	{
		id:    "targets-answer",
		title: "asked whom it would hit, it answers the same twice, and does nothing",
		hint:  "let Targets only look; draw from call.Rand(), which repeats itself with the seed, and sort what comes in no order",
		applies: func(s *subject) string {
			if reason := served(s); reason != "" {
				return reason
			}
			if !s.serves.CanListTargets {
				return "it does not list its targets"
			}
			return ""
		},
		run: func(ctx context.Context, s *subject) verdict {
			return s.asksTwice("Targets", "with the same seed ", func() (any, error) {
				config := engine.Config{Ref: s.serves.Ref, Doc: s.exampleDoc()}
				return s.host.Targets(ctx, *s.serves, engine.TargetsCall{Config: config, Seed: seed, Zone: zone})
			})
		},
	},
	{
		id:    "check-answer",
		title: "asked to look at its config, it answers the same twice, and does nothing",
		hint:  "let Check only look at its args; it is called for every plan that is made",
		applies: func(s *subject) string {
			if reason := served(s); reason != "" {
				return reason
			}
			if !s.serves.CanCheck {
				return "it does not look at configs"
			}
			return ""
		},
		run: func(ctx context.Context, s *subject) verdict {
			return s.asksTwice("Check", "", func() (any, error) {
				return s.host.Check(ctx, *s.serves, engine.Config{Ref: s.serves.Ref, Doc: s.exampleDoc()})
			})
		},
	},
}

// asksTwice makes a call twice, given in words with what, and judges the answers.
func (s *subject) asksTwice(method, given string, ask func() (any, error)) verdict {
	s.note(strings.ToLower(method), "a call of "+method)
	mark := s.saw.mark()
	var answers [2]any
	words := ""
	for i := range answers {
		answer, err := ask()
		refusal, refused := errors.AsType[*engine.Failure](err)
		switch {
		case refused && (refusal.Stack != "" || panicked(refusal.Message)):
			return failed("it panics: %s", brief(refusal.Message))
		case refused:
			words = brief(refusal.Message)
			answers[i] = refusal.Pointer
		case err != nil && s.unimplemented(method, err):
			return notRun("%s is declared, but not implemented: see declarations", method)
		case err != nil:
			return failed("%s", brief(inner(err).Error()))
		default:
			answers[i] = answer
		}
	}
	seen := s.saw.since(mark)
	switch {
	case changed(seen) != "":
		return failed("%s", changed(seen))
	case words == "" && !reflect.DeepEqual(answers[0], answers[1]):
		return failed("%sit answered %s, then %s", given, answerText(answers[0]), answerText(answers[1]))
	case words != "":
		return verdict{outcome: Passed, message: "it fails here, in words: " + words}
	case !s.sandboxed:
		return notRun("it answers the same twice, but whether it changes files can't be told: %s", s.noSandbox)
	}
	return passed()
}

// answerText is an answer for people.
func answerText(answer any) string {
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Sprintf("%+v", answer)
	}
	return cut(printable(string(b)), 200)
}

// unimplemented notes a method that is only declared, if that is what err says.
func (s *subject) unimplemented(method string, err error) bool {
	if !strings.Contains(err.Error(), "does not implement "+method) {
		return false
	}
	s.evidence.unimplemented = append(s.evidence.unimplemented, method)
	return true
}

// inner is the error without what the host says of the call: the check says that.
func inner(err error) error {
	if e := errors.Unwrap(err); e != nil {
		return e
	}
	return err
}
