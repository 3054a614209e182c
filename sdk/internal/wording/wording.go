// Package wording says in words what is wrong with a value, so that the host
// and a plugin that checks itself say it alike.
//
// What a client of the Chaos Monkey Engine compares, the texts for "required"
// and "type", is worded as Python's jsonschema words it. The rest is our own.
package wording

import (
	"fmt"
	"slices"
	"strings"
)

// Hidden stands for a value that must not be shown.
const Hidden = "the value"

// mostListed is how many names or values a message lists.
const mostListed = 20

// Required says that a member is missing.
func Required(name string) string { return Quote(name) + " is a required property" }

// Type says that a value is of none of the types.
func Type(shown string, types []string) string {
	quoted := make([]string, len(types))
	for i, t := range types {
		quoted[i] = Quote(t)
	}
	return shown + " is not of type " + strings.Join(quoted, ", ")
}

// Unknown says that an object may not have a member of this name, and which
// known name is meant, or which there are.
func Unknown(name string, known []string) string {
	text := Quote(name) + " is not a known property"
	if len(known) == 0 {
		return text
	}
	if near := Nearest(name, known); near != "" {
		return text + "; did you mean " + Quote(near) + "?"
	}
	known = slices.Sorted(slices.Values(known))
	quoted := make([]any, len(known))
	for i, k := range known {
		quoted[i] = k
	}
	return text + "; known are " + list(quoted)
}

// Keyword says that a value breaks the rule that a schema's node has under a
// keyword. shown is the value as Show prints it, or Hidden. A nil node is a rule
// of which only the keyword is known.
func Keyword(keyword string, node map[string]any, shown string) string {
	if node == nil {
		return fmt.Sprintf("%s breaks the rule %q", shown, keyword)
	}
	rule := node[keyword]
	switch keyword {
	case "type":
		return Type(shown, Types(node))
	case "enum":
		allowed, _ := rule.([]any)
		return shown + " is not one of " + list(allowed)
	case "const":
		return shown + " is not " + showRule(rule)
	case "pattern":
		if hints, _ := node["x-ui"].(map[string]any); hints["widget"] == "duration" {
			return shown + " is not a duration such as 1m30s, or a number of seconds"
		}
		return fmt.Sprintf("%s does not match the pattern %s", shown, rule)
	case "format":
		return format(shown, fmt.Sprint(rule))
	}
	if text, ok := bounds[keyword]; ok {
		if exclusive, ok := rule.(bool); ok && exclusive { // draft 4
			rule = node["m"+strings.TrimPrefix(keyword, "exclusiveM")]
		}
		return fmt.Sprintf(text, shown, rule)
	}
	if text, ok := plain[keyword]; ok {
		return shown + text
	}
	return fmt.Sprintf("%s breaks the rule %q", shown, keyword)
}

// Types returns a node's types; there may be one or several.
func Types(node map[string]any) []string {
	switch t := node["type"].(type) {
	case string:
		return []string{t}
	case []any:
		types := make([]string, 0, len(t))
		for _, one := range t {
			if name, ok := one.(string); ok {
				types = append(types, name)
			}
		}
		return types
	default:
		return nil
	}
}

// bounds are the texts of keywords that set a bound: the value, the bound.
var bounds = map[string]string{
	"minimum":          "%s is less than the minimum of %v",
	"maximum":          "%s is greater than the maximum of %v",
	"exclusiveMinimum": "%s is not greater than %v",
	"exclusiveMaximum": "%s is not less than %v",
	"multipleOf":       "%s is not a multiple of %v",
	"minLength":        "%s is too short; its length must be at least %v",
	"maxLength":        "%s is too long; its length may be at most %v",
	"minItems":         "%s has too few items; at least %v must be given",
	"maxItems":         "%s has too many items; at most %v may be given",
	"minProperties":    "%s has too few properties; at least %v must be given",
	"maxProperties":    "%s has too many properties; at most %v may be given",
}

// plain are the texts of keywords that say all by themselves.
var plain = map[string]string{
	"uniqueItems":           " has two equal items",
	"not":                   " is of a form that is ruled out here",
	"anyOf":                 " is of none of the allowed forms",
	"oneOf":                 " must be of exactly one of the allowed forms",
	"minContains":           " has too few items of the required form",
	"maxContains":           " has too many items of the limited form",
	"additionalItems":       " has too many items",
	"items":                 " is an item too many",
	"unevaluatedItems":      " is an item too many",
	"contentEncoding":       " is not encoded as required",
	"contentMediaType":      " is not of the required media type",
	"additionalProperties":  " has properties that are not known",
	"unevaluatedProperties": " has properties that are not known",
}

// examples show what a format looks like.
var examples = map[string]string{
	"date-time":     "2026-03-01T15:30:00Z",
	"date":          "2026-03-01",
	"time":          "15:30:00Z",
	"duration":      "PT1H30M",
	"email":         "ann@example.org",
	"hostname":      "db.example.org",
	"ipv4":          "192.0.2.1",
	"ipv6":          "2001:db8::1",
	"uri":           "https://example.org/x",
	"uri-reference": "/x?y=z",
	"uuid":          "0192f0c5-9d3e-7c1a-8f4b-2a6f0c9e1d00",
	"regex":         "^[a-z]+$",
	"json-pointer":  "/args/name",
}

func format(shown, name string) string {
	text := shown + " is not a valid " + name
	if example, ok := examples[name]; ok {
		text += ", for example " + example
	}
	return text
}

// showRule prints a value of a schema, in which nothing is private.
func showRule(value any) string {
	if text, ok := value.(string); ok {
		return Quote(text)
	}
	return Show(value)
}

// list prints values one after the other.
func list(values []any) string {
	shown := make([]string, 0, min(len(values), mostListed)+1)
	for i, v := range values {
		if i == mostListed {
			shown = append(shown, "…")
			break
		}
		shown = append(shown, showRule(v))
	}
	return strings.Join(shown, ", ")
}

// Nearest returns the known name that a mistyped one most likely means, ""
// when none is near: at most a third of its characters may differ.
func Nearest(name string, known []string) string {
	best, least := "", 1+len(name)/3
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least || d == least && best == "" {
			best, least = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements between two
// texts (Levenshtein), in bytes. Long texts are not near anything.
func distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, replace)
		}
	}
	return row[len(b)]
}
