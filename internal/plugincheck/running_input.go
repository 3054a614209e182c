package plugincheck

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// inputChecks give a dry run what careless people post. The schema keeps most of
// it away; what it lets through, and what a newer schema might, the attack must
// take or refuse in words.
var inputChecks = []check{
	{
		id:      "huge-arg",
		title:   "an argument of 8 MiB gets a clean answer",
		hint:    "bound strings in the schema with maxLength, or refuse what is too long with an error",
		applies: rehearsed,
		run:     takesHugeArg,
	},
	{
		id:      "unknown-arg",
		title:   "an argument that it does not know gets a clean answer",
		hint:    "decode the args so that what you don't know is left out or an error, but never a panic",
		applies: rehearsed,
		run:     takesUnknownArg,
	},
	{
		id:      "wrong-type",
		title:   "arguments of the wrong types get a clean answer",
		hint:    "decode the config strictly and return the error; never assert a type without looking",
		applies: rehearsed,
		run:     takesWrongTypes,
	},
}

// hugeArg is how long the huge argument is. A message has at most 16 MiB.
const hugeArg = 8 << 20

func takesHugeArg(ctx context.Context, s *subject) verdict {
	places := stringsIn(decoded(s.exampleDoc()), nil)
	if len(places) == 0 {
		return notRun("its example has no argument that is a string")
	}
	for _, place := range places {
		config := replaced(s.exampleDoc(), place, strings.Repeat("x", hugeArg))
		if len(s.serves.Compiled.Validate(config)) > 0 {
			continue
		}
		p := s.perform(ctx, play{doing: "a dry run with a huge argument", config: config})
		if fault := p.fault(); fault != "" {
			return failed("with 8 MiB in %s %s", pointer(place), fault)
		}
		return verdict{outcome: Passed, message: "8 MiB in " + pointer(place) + ": " + answered(p)}
	}
	return verdict{outcome: Passed, message: "its schema refuses it"}
}

// takesUnknownArg goes past the schema, which may refuse such an argument itself:
// that is another check's matter.
func takesUnknownArg(ctx context.Context, s *subject) verdict {
	place := []string{"args", unknownName}
	if !s.serves.Compiled.NestsArgs() {
		place = place[1:]
	}
	p := s.perform(ctx, play{doing: "a dry run with an unknown argument", config: replaced(s.exampleDoc(), place, "x")})
	if fault := p.fault(); fault != "" {
		return failed("with %s, past its schema, %s", pointer(place), fault)
	}
	return verdict{outcome: Passed, message: answered(p)}
}

func takesWrongTypes(ctx context.Context, s *subject) verdict {
	for _, wrong := range []any{[]any{1, "two"}, 3, nil, "text", map[string]any{}} {
		config := replaced(s.exampleDoc(), []string{"args"}, wrong)
		p := s.perform(ctx, play{doing: "a dry run with wrong arguments", config: config})
		if fault := p.fault(); fault != "" {
			b, _ := json.Marshal(wrong) //nolint:errchkjson // written above
			return failed("with args %s, past its schema, %s", b, fault)
		}
	}
	return passed()
}

// answered says how a run answered.
func answered(p performance) string {
	if words := p.refused(); words != "" {
		return "it says: " + words
	}
	return "it takes it"
}

// decoded reads an object; what is none is an empty one.
func decoded(doc json.RawMessage) map[string]any {
	var o map[string]any
	if json.Unmarshal(doc, &o) != nil || o == nil {
		return map[string]any{}
	}
	return o
}

// stringsIn lists where in an object there are strings, as the names that lead to
// them; the ref is none.
func stringsIn(o map[string]any, at []string) [][]string {
	var places [][]string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		here := append(slices.Clone(at), name)
		switch v := o[name].(type) {
		case string:
			if len(at) > 0 || name != "ref" {
				places = append(places, here)
			}
		case map[string]any:
			places = append(places, stringsIn(v, here)...)
		}
	}
	return places
}

// replaced returns a config with another value at a place.
func replaced(config json.RawMessage, place []string, value any) json.RawMessage {
	o := decoded(config)
	at := o
	for _, name := range place[:len(place)-1] {
		inner, ok := at[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			at[name] = inner
		}
		at = inner
	}
	at[place[len(place)-1]] = value
	doc, err := json.Marshal(o)
	if err != nil { // it was JSON before
		return config
	}
	return doc
}

// pointer is a place as a JSON pointer.
func pointer(place []string) string { return "/" + strings.Join(place, "/") }
