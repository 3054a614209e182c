package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// report words the library's findings. The library's own texts are not used:
// they contain values.
type report struct {
	schema   *Schema
	instance any
	secrets  []string
}

// of returns the violations of a finding and of what caused it.
func (r *report) of(e *jsonschema.ValidationError) []Violation {
	rule := r.rule(e)
	switch {
	case rule.keyword == "anyOf" || rule.keyword == "oneOf":
		return r.alternatives(e, rule)
	case len(e.Causes) == 0 || strings.HasSuffix(rule.keyword, "Contains"):
		return r.leaf(e, rule)
	}
	var all []Violation
	for _, cause := range e.Causes {
		all = append(all, r.of(cause)...)
	}
	return all
}

// rule is what a finding says was broken.
type rule struct {
	keyword string
	tokens  []string       // the way to the keyword in the schema
	node    map[string]any // the part of the schema that has the keyword; may be nil
}

// rule looks up the rule in the schema as it was read. Of rules in one of the
// library's own documents, which a schema may refer to, only the keyword is
// known.
func (r *report) rule(e *jsonschema.ValidationError) rule {
	document, location, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
	tokens := jsondoc.Tokens(plainPointer(location))
	if len(tokens) == 0 {
		return rule{}
	}
	found := rule{keyword: tokens[len(tokens)-1], tokens: tokens}
	if i := len(tokens) - 3; i >= 0 && isDependency(tokens[i:]) {
		found.keyword = tokens[i]
		tokens = tokens[:i+1]
	}
	own, _, _ := strings.Cut(r.schema.compiled.Location, "#")
	if document != own {
		return found
	}
	parent := ""
	for _, t := range tokens[:len(tokens)-1] {
		parent = jsondoc.Child(parent, t)
	}
	node, _ := jsondoc.At(r.schema.doc, parent)
	found.node, _ = node.(map[string]any)
	return found
}

// isDependency says whether tokens are like dependentRequired/name/0.
func isDependency(tokens []string) bool {
	_, err := strconv.Atoi(tokens[2])
	return err == nil && (tokens[0] == "dependentRequired" || tokens[0] == "dependencies")
}

// alternatives reports a value that fits none of several forms. When all but
// one are of another type altogether, the violations of that one are the most
// telling; when all are, their types are.
func (r *report) alternatives(e *jsonschema.ValidationError, rule rule) []Violation {
	at := plainPointer(e.InstanceLocation)
	var types []string
	var near [][]Violation
	for _, cause := range e.Causes {
		violations := r.of(cause)
		if i := slices.IndexFunc(violations, func(v Violation) bool { return v.Pointer == at && v.Keyword == "type" }); i >= 0 {
			types = append(types, wording.Types(r.rule(cause).node)...)
			continue
		}
		near = append(near, violations)
	}
	switch {
	case len(near) == 1:
		return near[0]
	case len(near) == 0 && len(types) > 0:
		return []Violation{{at, "type", wording.Type(r.show(at), types), r.typeHint(at, types)}}
	default:
		return []Violation{{Pointer: at, Keyword: rule.keyword, Message: wording.Keyword(rule.keyword, rule.node, r.show(at))}}
	}
}

func (r *report) leaf(e *jsonschema.ValidationError, rule rule) []Violation {
	at := plainPointer(e.InstanceLocation)
	value, _ := jsondoc.At(r.instance, at)
	object, _ := value.(map[string]any)
	switch {
	case rule.keyword == "required":
		return missing(at, rule.node, object)
	case rule.keyword == "additionalProperties" && object != nil && rule.node["additionalProperties"] == false:
		return r.unknown(at, rule.node, object)
	case rule.keyword == "dependentRequired" || rule.keyword == "dependencies":
		return dependents(at, rule)
	case slices.Contains(rule.tokens, "propertyNames") && at != "":
		tokens := jsondoc.Tokens(at)
		name := tokens[len(tokens)-1]
		text := "the name " + wording.Keyword(rule.keyword, rule.node, wording.Quote(name))
		return []Violation{{Pointer: at, Keyword: rule.keyword, Message: text}}
	case r.forbidden(rule):
		return []Violation{{Pointer: at, Keyword: rule.keyword, Message: r.unexpected(at)}}
	}
	return []Violation{{at, rule.keyword, wording.Keyword(rule.keyword, rule.node, r.show(at)), r.hint(at, rule)}}
}

// missing names each required property that is not there, in the schema's
// order.
func missing(at string, node, object map[string]any) []Violation {
	var all []Violation
	names, _ := node["required"].([]any)
	for _, n := range names {
		name, _ := n.(string)
		if _, given := object[name]; !given {
			all = append(all, Violation{Pointer: at, Keyword: "required", Message: wording.Required(name)})
		}
	}
	if all == nil { // a rule of the library's own documents
		all = []Violation{{Pointer: at, Keyword: "required", Message: "a required property is missing"}}
	}
	return all
}

// unknown names each property that is not allowed.
func (r *report) unknown(at string, node, object map[string]any) []Violation {
	properties, _ := node["properties"].(map[string]any)
	patterns, _ := node["patternProperties"].(map[string]any)
	var all []Violation
	for _, name := range jsondoc.Names(object) {
		if _, known := properties[name]; known || matchesAny(patterns, name) {
			continue
		}
		all = append(all, Violation{
			jsondoc.Child(at, name), "additionalProperties",
			wording.Unknown(name, jsondoc.Names(properties)), r.elsewhere(name, properties),
		})
	}
	return all
}

func matchesAny(patterns map[string]any, name string) bool {
	for pattern := range patterns {
		if re, err := regexp.Compile(pattern); err == nil && re.MatchString(name) {
			return true
		}
	}
	return false
}

// dependents names the property that another one requires.
func dependents(at string, rule rule) []Violation {
	tokens := rule.tokens
	for i := range tokens {
		if tokens[i] != rule.keyword || len(tokens) != i+3 {
			continue
		}
		lists, _ := rule.node[rule.keyword].(map[string]any)
		if name, ok := jsondoc.At(lists, jsondoc.Child(jsondoc.Child("", tokens[i+1]), tokens[i+2])); ok {
			text := wording.Required(name.(string)) + " when " + wording.Quote(tokens[i+1]) + " is given"
			return []Violation{{Pointer: at, Keyword: rule.keyword, Message: text}}
		}
	}
	return []Violation{{Pointer: at, Keyword: rule.keyword, Message: "a property that another one requires is missing"}}
}

// forbidden says whether the rule is a schema that is just false.
func (r *report) forbidden(found rule) bool {
	pointer := ""
	for _, t := range found.tokens {
		pointer = jsondoc.Child(pointer, t)
	}
	schema, _ := jsondoc.At(r.schema.doc, pointer)
	return schema == false
}

func (r *report) unexpected(at string) string {
	tokens := jsondoc.Tokens(at)
	if len(tokens) == 0 {
		return "nothing is allowed here"
	}
	return wording.Quote(tokens[len(tokens)-1]) + " is not allowed here"
}

// show prints the value that a pointer names, unless it is, or is part of, a
// secret.
func (r *report) show(at string) string {
	for _, secret := range r.secrets {
		if at == secret || strings.HasPrefix(at, secret+"/") {
			return wording.Hidden
		}
	}
	value, ok := jsondoc.At(r.instance, at)
	if !ok {
		return wording.Hidden
	}
	return wording.Show(value)
}
