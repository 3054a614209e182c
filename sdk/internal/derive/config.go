package derive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
)

// config is the schema of a whole config.
type config struct {
	Draft      json.RawMessage `json:"$schema,omitempty"`
	Type       string          `json:"type"`
	Properties struct {
		Ref  json.RawMessage `json:"ref"`
		Args json.RawMessage `json:"args"`
	} `json:"properties"`
	Required []string `json:"required"`
	// AdditionalProperties is false: args under a misspelt name would be no args
	// at all, and the attack would hit whom nobody meant.
	AdditionalProperties bool `json:"additionalProperties"`
}

// Config wraps the schema of args. See schema.OfConfig.
func Config(args []byte) ([]byte, error) {
	tree, err := jsondoc.Decode(args)
	if err != nil {
		return nil, fmt.Errorf("wrap the schema of args: %w", err)
	}
	node, ok := tree.(map[string]any)
	if _, isBool := tree.(bool); !ok && !isBool {
		return nil, fmt.Errorf("wrap the schema of args: %w", errNoObject)
	}
	var whole config
	whole.Type = "object"
	whole.Required = []string{"ref"}
	whole.Properties.Ref = json.RawMessage(`{"type":"string"}`)
	whole.Properties.Args = args
	if needsArgs(node) {
		whole.Required = append(whole.Required, "args")
	}
	if err := whole.rehome(node); err != nil {
		return nil, err
	}
	doc, err := marshal(whole)
	if err != nil {
		return nil, fmt.Errorf("wrap the schema of args: %w", err)
	}
	return doc, nil
}

// needsArgs says whether leaving args out could break a rule of theirs.
func needsArgs(node map[string]any) bool {
	if required, _ := node["required"].([]any); len(required) > 0 {
		return true
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf", "not", "if", "minProperties", "const", "enum", "$ref"} {
		if _, ok := node[keyword]; ok {
			return true
		}
	}
	return false
}

// rehome mends what moving the args' schema into another one would break: the
// draft it is written in, and its references to its own parts.
func (c *config) rehome(node map[string]any) error {
	draft, dialect := node["$schema"]
	_, named := node["$id"]
	moved := !named && refers(node)
	if !dialect && !moved {
		return nil
	}
	if dialect {
		text, err := json.Marshal(draft)
		if err != nil {
			return fmt.Errorf("wrap the schema of args: %w", err)
		}
		c.Draft = text
		delete(node, "$schema")
	}
	if moved {
		rewrite(node)
	}
	args, err := marshal(node)
	if err != nil {
		return fmt.Errorf("wrap the schema of args: %w", err)
	}
	c.Properties.Args = args
	return nil
}

// refers says whether a part of a schema refers to another part by its place.
func refers(schema any) bool {
	found := false
	eachRef(schema, func(map[string]any, string) { found = true })
	return found
}

// rewrite makes references to places in the args' schema point to where these
// are in the whole.
func rewrite(schema any) {
	eachRef(schema, func(node map[string]any, place string) {
		node["$ref"] = "#/properties/args" + place
	})
}

// eachRef visits every reference to a place in a schema or a list of schemas.
func eachRef(schema any, visit func(node map[string]any, place string)) {
	switch v := schema.(type) {
	case []any:
		for _, item := range v {
			eachRef(item, visit)
		}
	case map[string]any:
		text, _ := v["$ref"].(string)
		if place, local := strings.CutPrefix(text, "#"); local && (place == "" || strings.HasPrefix(place, "/")) {
			visit(v, place)
		}
		for _, keyword := range jsondoc.Names(v) {
			eachRefIn(keyword, v[keyword], visit)
		}
	}
}

// eachRefIn is eachRef for the value of a keyword. What the keyword holds may be
// no schema but a value of the author's, or schemas under names of the author's.
func eachRefIn(keyword string, value any, visit func(node map[string]any, place string)) {
	switch keyword {
	case "const", "enum", "default", "examples":
	case "properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions":
		if members, ok := value.(map[string]any); ok {
			for _, name := range jsondoc.Names(members) {
				eachRef(members[name], visit)
			}
			return
		}
		eachRef(value, visit)
	default:
		eachRef(value, visit)
	}
}

// errNoObject is returned when the args' schema is neither an object nor true.
var errNoObject = errors.New("the schema of args must be a JSON object")
