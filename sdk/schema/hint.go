package schema

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// longestHint bounds a description that is taken for a hint, in bytes.
const longestHint = 200

// hint says how a value that breaks a rule may be mended; "" when nothing is known.
func (r *report) hint(at string, broken rule) string {
	switch broken.keyword {
	case "type":
		return r.typeHint(at, wording.Types(broken.node))
	case "pattern": // for people, the description says what the pattern means
		if words, _ := broken.node["description"].(string); len(words) <= longestHint {
			return words
		}
	}
	return ""
}

// typeHint is the hint for a value of none of the types. Writers of YAML leave out
// quotes, and indent what belongs into an object too little.
func (r *report) typeHint(at string, types []string) string {
	value, found := jsondoc.At(r.instance, at)
	if !found {
		return ""
	}
	switch value.(type) {
	case json.Number, bool:
		if slices.Contains(types, "string") {
			return "put it in quotes"
		}
	case nil:
		if slices.Contains(types, "object") {
			return "it is null: nothing is in it; in YAML what belongs into it is indented below it"
		}
		return "it is null: nothing is given"
	}
	return ""
}

// elsewhere says of a property that is not known which of the known ones has one of
// its name: "" when none has.
func (r *report) elsewhere(name string, properties map[string]any) string {
	for _, outer := range jsondoc.Names(properties) {
		node, _ := properties[outer].(map[string]any)
		if pointer, local := strings.CutPrefix(textOf(node["$ref"]), "#"); local {
			referred, _ := jsondoc.At(r.schema.doc, plainPointer(pointer))
			node, _ = referred.(map[string]any)
		}
		inner, _ := node["properties"].(map[string]any)
		if _, known := inner[name]; known {
			return "it belongs into " + wording.Quote(outer)
		}
	}
	return ""
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}
