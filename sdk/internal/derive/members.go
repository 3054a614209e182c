package derive

import (
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/wording"
)

// member is a field that encoding/json reads a member of an object into.
type member struct {
	reflect.StructField
	name     string // in JSON
	path     string // in Go, for faults
	depth    int    // in how many embedded structs it is
	optional bool   // its json tag says that it may be left out
	quoted   bool   // a number or truth value that is written as text
	group    string // of the embedded struct, for the hints
	tags     map[string]string
}

// membersOf lists the members that are read into a struct, in the order of its
// fields. As in Go, a field hides those of its name in embedded structs; a name
// that is there twice otherwise is a fault.
func (d *deriver) membersOf(t reflect.Type, at string) []member {
	all := d.collect(t, at, 0)
	return slices.DeleteFunc(slices.Clone(all), func(m member) bool {
		for _, other := range all {
			if other.name != m.name || other.path == m.path {
				continue
			}
			if other.depth < m.depth {
				return true
			}
			if other.depth == m.depth && other.path < m.path {
				d.fault(m.path, "%s has the same name in JSON, %q; give one of them another", other.path, m.name)
			}
		}
		return false
	})
}

// collect lists the members of a struct and of those embedded in it.
func (d *deriver) collect(t reflect.Type, at string, depth int) []member {
	var all []member
	for field := range t.Fields() {
		m := member{StructField: field, path: at + "." + field.Name, depth: depth}
		tags, err := splitTag(string(field.Tag))
		if err != nil {
			d.fault(m.path, "%w", err)
			continue
		}
		m.tags = tags
		if inner := embedded(field); inner != nil && tags["json"] == "" {
			all = append(all, d.collectEmbedded(m, inner)...)
			continue
		}
		if !field.IsExported() {
			d.checkUnexported(m)
			continue
		}
		if tags["json"] == "-" || tags["jsonschema"] == "-" || !d.nameOf(&m) {
			continue
		}
		all = append(all, m)
	}
	return all
}

// embedded returns the struct whose fields are read as if they were those of
// the struct around it, nil if the field is not like that.
func embedded(field reflect.StructField) reflect.Type {
	t := field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !field.Anonymous || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// collectEmbedded is collect for an embedded struct. Of the tags of its field
// only a group says something: it is that of all its members without one.
func (d *deriver) collectEmbedded(m member, t reflect.Type) []member {
	if m.Type.Kind() == reflect.Pointer && !m.IsExported() {
		d.fault(m.path, "encoding/json can't set an embedded pointer to an unexported struct; embed the struct itself")
		return nil
	}
	group := ""
	for _, key := range ourTags[1:] {
		entries := split(m.tags[key])
		switch {
		case len(entries) == 1 && key == tagHints && entries[0].key == "group" && entries[0].value != "":
			group = entries[0].value
		case len(entries) > 0:
			d.fault(m.path, "the tag %s: an embedded struct is no property; it can only have a group", key)
		}
	}
	if !d.enter(t, m.path) {
		return nil
	}
	defer d.leave()
	inner := d.collect(t, m.path, m.depth+1)
	for i := range inner {
		if inner[i].group == "" {
			inner[i].group = group
		}
	}
	return inner
}

// checkUnexported sees that nobody means to have an unexported field filled.
func (d *deriver) checkUnexported(m member) {
	for _, key := range ourTags {
		if _, has := m.tags[key]; has && m.tags[key] != "-" {
			d.fault(m.path, "it has the tag %s, but it is not exported, so nothing is read into it; begin its name with a capital", key)
			return
		}
	}
}

// nameOf reads the json tag, which names the member. It returns false if the
// tag is at fault.
func (d *deriver) nameOf(m *member) bool {
	name, rest, _ := strings.Cut(m.tags["json"], ",")
	m.name = name
	if name == "" {
		m.name = m.Name
	}
	if strings.ContainsFunc(m.name, func(r rune) bool { return !inName(r) }) {
		d.fault(m.path, "the tag json: encoding/json takes no such name: %q", name)
		return false
	}
	for option := range strings.SplitSeq(rest, ",") {
		switch option {
		case "":
		case "omitempty", "omitzero":
			m.optional = true
		case "string":
			m.quoted = true
		default:
			d.fault(m.path, "the tag json: unknown option %q%s", option, suggest(option, []string{"omitempty", "omitzero", "string"}))
			return false
		}
	}
	return true
}

// inName says whether encoding/json takes a character in a name.
func inName(r rune) bool {
	return strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// suggest says which of the known names an unknown one stands for, or which
// there are.
func suggest(name string, known []string) string {
	if near := wording.Nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return "; known are " + strings.Join(known, ", ")
}
