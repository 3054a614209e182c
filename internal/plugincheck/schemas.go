package plugincheck

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// schemaChecks look at the schema of a ref's config.
var schemaChecks = []check{
	{
		id:    "schema",
		title: "its schema is a JSON Schema",
		hint:  "have the SDK derive it from a struct, or mend what the message names",
		run: func(_ context.Context, s *subject) verdict {
			if _, err := s.compiled(); err != nil {
				return failed("%s", err)
			}
			return passed()
		},
	},
	{
		id:      "schema-object",
		title:   "its schema takes an object and nothing else",
		hint:    `say "type": "object" at its top`,
		applies: hasSchema,
		run:     describesObject,
	},
	{
		id:      "schema-closed",
		title:   "its schema refuses an argument that it does not know",
		hint:    `say "additionalProperties": false beside "properties" of the args, so that a misspelt argument is refused, not ignored`,
		applies: hasFittingExample,
		run:     refusesUnknown,
	},
	{
		id:      "property-descriptions",
		title:   "each argument has a description",
		hint:    `say what it means, in which unit, and what happens without it: "description" in the schema, or the tag jsonschema_description of a field`,
		applies: hasSchema,
		run:     describesProperties,
	},
	{
		id:      "schema-values",
		title:   "the defaults and examples in its schema keep its rules",
		hint:    "mend the value or the rule: a form fills it in, and a plan with it would be refused",
		applies: hasSchema,
		run:     func(_ context.Context, s *subject) verdict { return sound(schema.CheckValues(s.offer.Schema)) },
	},
	{
		id:      "schema-hints",
		title:   "its hints for forms can be understood",
		hint:    `an "x-ui" has order (a number from 1 on), group, widget and unit, and no others; docs/authors/schema.md lists the widgets`,
		applies: hasSchema,
		run:     func(_ context.Context, s *subject) verdict { return sound(schema.CheckHints(s.offer.Schema)) },
	},
	{
		id:      "secrets-marked",
		title:   "arguments whose names say secret are writeOnly",
		hint:    `say "writeOnly": true (a field's tag: jsonschema:"writeOnly=true"), so that it is never shown, stored in a log or handed to a planner; if it is no secret, give it another name`,
		applies: hasSchema,
		run:     marksSecrets,
	},
	{
		id:      "secrets-shown",
		title:   "its schema shows no value of a secret",
		hint:    "take default, examples, const and enum away from what is writeOnly: everybody may read a schema",
		applies: hasSchema,
		run:     showsNoSecret,
	},
}

// sound judges by what is wrong with a schema.
func sound(err error) verdict {
	if err != nil {
		return failed("%s", strings.TrimPrefix(err.Error(), "schema: "))
	}
	return passed()
}

// compiled returns the schema of the ref's config, ready to validate.
func (s *subject) compiled() (*schema.Schema, error) {
	if len(s.offer.Schema) == 0 {
		return nil, fmt.Errorf("it has none")
	}
	return schema.Compile(s.offer.Schema)
}

func hasSchema(s *subject) string {
	if _, err := s.compiled(); err != nil {
		return "its schema can't be used"
	}
	return ""
}

func describesObject(_ context.Context, s *subject) verdict {
	compiled, err := s.compiled()
	if err != nil {
		return failed("%s", err)
	}
	for _, instance := range []string{`[]`, `"text"`, `5`, `null`} {
		if len(compiled.Validate([]byte(instance))) == 0 {
			return failed("it takes %s too", instance)
		}
	}
	if s.offer.Kind == string(engine.KindAttack) && !compiled.NestsArgs() && !s.mentions("ref") {
		return failed("it has neither the property ref nor args: it seems to describe the args alone").mend(
			`describe the whole config: {"type": "object", "properties": {"ref": …, "args": YOUR SCHEMA}, "required": ["ref", "args"]}`)
	}
	return passed()
}

// mentions says whether the schema speaks of a member of the config.
func (s *subject) mentions(name string) bool {
	properties, err := schema.Properties(s.offer.Schema)
	return err == nil && slices.ContainsFunc(properties, func(p schema.Property) bool { return p.Pointer == "/"+name })
}

// unknownName is the name of an argument that no attack has.
const unknownName = "an_argument_nobody_knows"

func refusesUnknown(_ context.Context, s *subject) verdict {
	compiled, err := s.compiled()
	if err != nil {
		return failed("%s", err)
	}
	strange, at, err := withMember(s.offer.Examples[0], compiled.NestsArgs(), unknownName, `"x"`)
	if err != nil {
		return notRun("its first example can't be changed: %s", err)
	}
	if len(compiled.Validate(strange)) > 0 {
		return passed()
	}
	if isOpen(s.offer.Schema, compiled.NestsArgs()) {
		return verdict{outcome: Passed, message: "its schema says that it takes any argument"}
	}
	return failed("it takes its first example also with %s added", at)
}

// isOpen says whether a schema says of the args, or of the config that has none,
// that it takes further members: then that is meant so.
func isOpen(doc json.RawMessage, nested bool) bool {
	type node struct {
		Properties           map[string]json.RawMessage `json:"properties"`
		AdditionalProperties json.RawMessage            `json:"additionalProperties"`
	}
	var at node
	if json.Unmarshal(doc, &at) != nil {
		return false
	}
	if nested {
		args := at.Properties["args"]
		at = node{}
		if json.Unmarshal(args, &at) != nil {
			return false
		}
	}
	return at.AdditionalProperties != nil && string(at.AdditionalProperties) != "false"
}

// describesProperties asks for a description of each argument that has a name.
// Members of the config itself other than args need none: what ref means, the
// API says.
func describesProperties(_ context.Context, s *subject) verdict {
	properties, err := schema.Properties(s.offer.Schema)
	if err != nil {
		return failed("its properties can't be listed: %s", err)
	}
	var bare []string
	for _, p := range properties {
		if p.Name != "" && p.Pointer != "/ref" && p.Pointer != "/args" && strings.TrimSpace(p.Description) == "" {
			bare = append(bare, p.Pointer)
		}
	}
	if len(bare) > 0 {
		return failed("%s", without("description", bare))
	}
	return passed()
}

// without says which places lack something.
func without(what string, pointers []string) string {
	more := ""
	if n := len(pointers) - mostDetails; n > 0 {
		pointers, more = pointers[:mostDetails], fmt.Sprintf(" and %d more", n)
	}
	has := "has"
	if len(pointers) > 1 {
		has = "have"
	}
	return fmt.Sprintf("%s%s %s no %s", strings.Join(pointers, ", "), more, has, what)
}
