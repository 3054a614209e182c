package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
)

// Validate returns what is wrong with the instance, nil when nothing is. The
// most specific come first: those deepest in the instance, then by pointer.
func (s *Schema) Validate(instance []byte) []Violation {
	value, err := jsondoc.Decode(instance)
	if err != nil {
		return []Violation{{Keyword: "json", Message: "not valid JSON: " + err.Error()}}
	}
	if pointer, ok := outsized(value); ok {
		return []Violation{{Pointer: pointer, Keyword: "type", Message: "the number is too large"}}
	}
	err = s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) { // a schema that refers to itself for ever
		return []Violation{{Keyword: "$ref", Message: "the schema can't be applied: it refers to itself without end"}}
	}
	r := report{schema: s, instance: value, secrets: s.secretsIn(value)}
	violations := r.of(invalid)
	slices.SortStableFunc(violations, func(a, b Violation) int {
		return cmp.Or(
			cmp.Compare(strings.Count(b.Pointer, "/"), strings.Count(a.Pointer, "/")),
			cmp.Compare(a.Pointer, b.Pointer),
			cmp.Compare(rank(a.Keyword), rank(b.Keyword)),
			cmp.Compare(a.Keyword, b.Keyword),
		)
	})
	return slices.Compact(violations)
}

// rank orders the violations of one value.
func rank(keyword string) int {
	if i := slices.Index([]string{"required", "type"}, keyword); i >= 0 {
		return i
	}
	return 2
}

// The limits of a number. The library computes with exact fractions, so a short
// text like 1e999999 would cost it megabytes, and a longer one makes it panic.
const (
	maxDigits   = 200
	maxExponent = 400
)

// outsized returns a pointer to a number that is too large to compute with.
func outsized(value any) (pointer string, found bool) {
	switch v := value.(type) {
	case json.Number:
		return "", isOutsized(v.String())
	case []any:
		for i, item := range v {
			if inner, found := outsized(item); found {
				return jsondoc.Item("", i) + inner, true
			}
		}
	case map[string]any:
		for _, name := range jsondoc.Names(v) {
			if inner, found := outsized(v[name]); found {
				return jsondoc.Child("", name) + inner, true
			}
		}
	}
	return "", false
}

func isOutsized(number string) bool {
	mantissa, exponent, has := strings.Cut(strings.ToLower(number), "e")
	if len(mantissa) > maxDigits {
		return true
	}
	if !has {
		return false
	}
	e, err := strconv.Atoi(exponent)
	return err != nil || e > maxExponent || e < -maxExponent
}

// plainPointer turns a location of the library's, which is percent-encoded, into
// a JSON pointer.
func plainPointer(location string) string {
	if plain, err := url.PathUnescape(location); err == nil {
		return plain
	}
	return location
}
