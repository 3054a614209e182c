package engine

import (
	"encoding/json"
	"fmt"
	"strings"
)

// problemsOf says what is wrong with a config for an offer. base is the pointer
// to the config in what the caller sent. As CME did, a planner whose schema
// describes the bare args is given those.
func problemsOf(o Offer, c Config, base string) []Problem {
	instance := c.Doc
	if o.Kind == KindPlanner && !o.Compiled.NestsArgs() {
		instance, base = c.Args(), base+"/args"
		if instance == nil {
			instance = json.RawMessage("{}")
		}
	}
	var problems []Problem
	for _, v := range o.Compiled.Validate(instance) {
		problems = append(problems, Problem{Pointer: base + v.Pointer, Keyword: v.Keyword, Message: v.Message, Hint: v.Hint})
	}
	return problems
}

// invalid makes an error of problems; nil when there are none.
func invalid(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalid, Message: "invalid payload " + problems[0].Message, Problems: problems}
}

// resolve finds the offer of a posted config and returns the config with the
// canonical ref. part is the member of the body it stands in.
func (e *Engine) resolve(kind Kind, c Config, part string) (Offer, Config, error) {
	offer, err := e.host.Offer(kind, c.Ref)
	if err != nil {
		if CodeOf(err) == CodeNotFound {
			return Offer{}, Config{}, problemAt("/"+part+"/ref", "%s", err)
		}
		return Offer{}, Config{}, err
	}
	if offer.Ref != c.Ref {
		if c, err = c.With(offer.Ref, nil); err != nil {
			return Offer{}, Config{}, err
		}
	}
	return offer, c, invalid(problemsOf(offer, c, "/"+part))
}

// problemAt is an error about one place of the input.
func problemAt(pointer, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &Error{Code: CodeInvalid, Message: message, Problems: []Problem{{Pointer: pointer, Message: message}}}
}

// checkName checks a plan's name.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return problemAt("/name", "invalid payload '' should be non-empty: a plan needs a name")
	case len(name) > maxName:
		return problemAt("/name", "the name has %d bytes, the limit is %d", len(name), maxName)
	}
	return nil
}

const maxName = 1024
