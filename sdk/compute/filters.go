package compute

import (
	"encoding/json"
	"errors"

	"github.com/invopop/jsonschema"
)

// Filters choose nodes, as EC2's filters do: a node matches when it matches each
// name by at least one of its values, in which * stands for any text and ? for
// one character, and a backslash takes their meaning away. Which names there are
// is the provider's: "tag:Chaos", "availability-zone", "label:app", "name".
type Filters map[string]Values

// Values are the values of one filter: in JSON a text or a list of texts.
type Values []string

var errValues = errors.New("the value of a filter is a text or a list of texts")

// UnmarshalJSON reads a text or a list of texts.
func (v *Values) UnmarshalJSON(doc []byte) error {
	var value any
	if err := json.Unmarshal(doc, &value); err != nil {
		return errValues
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	texts := make(Values, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			return errValues
		}
	}
	if len(texts) == 0 {
		return errValues
	}
	*v = texts
	return nil
}

// MarshalJSON writes a single value as text, as CME's clients know it.
func (v Values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

// JSONSchema is how the schema of a struct describes it.
func (Values) JSONSchema() *jsonschema.Schema {
	one := uint64(1)
	return &jsonschema.Schema{
		OneOf: []*jsonschema.Schema{
			{Type: "string"},
			{Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: &one},
		},
	}
}
