package httpapi

import (
	"encoding/json"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// planSchema describes what POST /plans/ takes. The attack's and planner's own
// schemas judge the rest of their configs.
const planSchema = `{
  "type": "object",
  "required": ["name", "attack", "planner"],
  "properties": {
    "name": {"type": "string", "maxLength": 1024},
    "attack": {"type": "object", "required": ["ref"], "properties": {"ref": {"type": "string"}}},
    "planner": {"type": "object", "required": ["ref"], "properties": {"ref": {"type": "string"}}},
    "timezone": {"type": "string"},
    "timeout": {"type": ["string", "number"]},
    "misfire_grace": {"type": ["string", "number"]},
    "undo": {"type": "string", "enum": ["auto", "keep"]},
    "seed": {"type": "integer", "minimum": 0, "maximum": 9007199254740991},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "dry_run": {"type": "boolean"},
    "allow_irreversible": {"type": "boolean"}
  }
}`

// planMembers are the members of a plan's body, for warnings of unknown ones.
var planMembers = []string{
	"name", "attack", "planner", "timezone", "timeout", "misfire_grace", "undo", "seed", "labels", "dry_run",
	"allow_irreversible",
}

// triggerSchema describes what PUT /executors/{id} takes; dateSchema its args
// when the type is date. They are two because the type is checked in between.
const (
	triggerSchema = `{
  "type": "object",
  "required": ["type", "args"],
  "properties": {"type": {"type": "string"}, "args": {"type": "object"}}
}`
	dateSchema = `{
  "type": "object",
  "properties": {"args": {
    "type": "object",
    "required": ["date"],
    "properties": {"date": {"type": "string"}}
  }}
}`
	// haltSchema describes what a halt takes, if it has a body.
	haltSchema = `{
  "type": "object",
  "properties": {"reason": {"type": "string", "maxLength": 1024}}
}`
	// leverSchema describes what the lever takes, if it has a body; abandonSchema
	// what giving an undo record up takes.
	leverSchema = `{
  "type": "object",
  "properties": {"reason": {"type": "string", "maxLength": 1024}, "by": {"type": "string", "maxLength": 256}}
}`
	abandonSchema = `{
  "type": "object",
  "required": ["reason"],
  "properties": {"reason": {"type": "string", "maxLength": 1024}, "by": {"type": "string", "maxLength": 256}}
}`
)

// keySchema describes what makes a key. The key ring judges the rest.
const keySchema = `{
  "type": "object",
  "required": ["name", "role"],
  "properties": {
    "name": {"type": "string"},
    "role": {"type": "string"},
    "ttl": {"type": ["string", "null"]},
    "limits": {
      "type": ["object", "null"],
      "properties": {
        "refs": {"type": "array", "items": {"type": "string"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}}
      }
    }
  }
}`

// maxBy is the longest "by", in characters.
const maxBy = 256

// decisionMembers are the members of the bodies of leverSchema and
// abandonSchema, haltMembers those of haltSchema, keyMembers those of keySchema
// and limitMembers those of its limits.
var (
	decisionMembers = []string{"reason", "by"}
	haltMembers     = []string{"reason"}
	keyMembers      = []string{"name", "role", "ttl", "limits"}
	limitMembers    = []string{"refs", "labels"}
)

// bodySchemas are the schemas of the request bodies, ready to validate.
type bodySchemas struct {
	plan, trigger, date, halt, lever, abandon, key *schema.Schema
}

// compileBodySchemas panics when one of the constants above is no schema.
func compileBodySchemas() bodySchemas {
	must := func(doc string) *schema.Schema {
		compiled, err := schema.Compile([]byte(doc))
		if err != nil {
			panic(fmt.Sprintf("compile the schema of a request body: %v", err))
		}
		return compiled
	}
	return bodySchemas{
		plan: must(planSchema), trigger: must(triggerSchema), date: must(dateSchema), halt: must(haltSchema),
		lever: must(leverSchema), abandon: must(abandonSchema), key: must(keySchema),
	}
}

// validate returns what is wrong with a body, in the wording of the Chaos
// Monkey Engine.
func validate(s *schema.Schema, body []byte) error {
	violations := s.Validate(body)
	if len(violations) == 0 {
		return nil
	}
	problems := make([]engine.Problem, len(violations))
	for i, v := range violations {
		problems[i] = engine.Problem(v)
	}
	return &engine.Error{
		Code:     engine.CodeInvalid,
		Message:  invalidPayload(violations[0].Message),
		Problems: problems,
	}
}

// invalidPayload is how every complaint about a body's content begins.
func invalidPayload(message string) string { return "invalid payload " + message }

// membersOf splits a valid object into its members. Their names are compared
// exactly, which encoding/json does not do for structs.
func membersOf(object []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, fmt.Errorf("split object: %w", err)
	}
	return members, nil
}

// text reads a member that the schema says is a string; "" when absent.
func text(member json.RawMessage) string {
	var s string
	if member == nil || json.Unmarshal(member, &s) != nil {
		return ""
	}
	return s
}
