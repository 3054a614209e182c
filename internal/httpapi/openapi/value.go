package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A value is a JSON value: nil, a bool, a string, a number (json.Number, or what
// YAML makes of one), a []any or an *Object.

// Object is a JSON object whose members keep their order.
type Object struct {
	names   []string
	members map[string]any
}

// NewObject returns an object with the members given: a name, its value, a name
// and so on.
func NewObject(members ...any) *Object {
	o := &Object{members: make(map[string]any, len(members)/2)}
	for i := 0; i+1 < len(members); i += 2 {
		if name, ok := members[i].(string); ok {
			o.Set(name, members[i+1])
		}
	}
	return o
}

// Names are the names of the members, in order. The caller must not change them.
func (o *Object) Names() []string {
	if o == nil {
		return nil
	}
	return o.names
}

// Has says whether there is a member of the name.
func (o *Object) Has(name string) bool {
	if o == nil {
		return false
	}
	_, ok := o.members[name]
	return ok
}

// At is the member at the end of a path of names; nil when it breaks off.
func (o *Object) At(path ...string) any {
	var v any = o
	for _, name := range path {
		inner, ok := v.(*Object)
		if !ok || !inner.Has(name) {
			return nil
		}
		v = inner.members[name]
	}
	return v
}

// Object is At for what is an object; nil for anything else.
func (o *Object) Object(path ...string) *Object {
	inner, _ := o.At(path...).(*Object)
	return inner
}

// Text is At for what is a string; "" for anything else.
func (o *Object) Text(path ...string) string {
	s, _ := o.At(path...).(string)
	return s
}

// List is At for what is a list; nil for anything else.
func (o *Object) List(path ...string) []any {
	list, _ := o.At(path...).([]any)
	return list
}

// Set sets a member: where it is, or at the end.
func (o *Object) Set(name string, value any) {
	if !o.Has(name) {
		o.names = append(o.names, name)
	}
	o.members[name] = value
}

// put sets a member as the first one.
func (o *Object) put(name string, value any) {
	o.remove(name)
	o.names = slices.Insert(o.names, 0, name)
	o.members[name] = value
}

// remove removes a member, if it is there.
func (o *Object) remove(name string) {
	if o.Has(name) {
		delete(o.members, name)
		o.names = slices.DeleteFunc(slices.Clone(o.names), func(n string) bool { return n == name })
	}
}

// inner is the object at a name; it is made when there is none.
func (o *Object) inner(name string) *Object {
	if found := o.Object(name); found != nil {
		return found
	}
	made := NewObject()
	o.Set(name, made)
	return made
}

// clone is a copy that shares nothing with the original.
func clone(v any) any {
	switch v := v.(type) {
	case *Object:
		copied := NewObject()
		for _, name := range v.names {
			copied.Set(name, clone(v.members[name]))
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = clone(v[i])
		}
		return copied
	default:
		return v
	}
}

// merge puts the members of over into o: objects into objects, the rest in place
// of what is there.
func (o *Object) merge(over *Object) {
	for _, name := range over.Names() {
		under, both := o.At(name).(*Object)
		if top, ok := over.members[name].(*Object); ok && both {
			under.merge(top)
			continue
		}
		o.Set(name, clone(over.members[name]))
	}
}

// MarshalJSON writes the members in their order.
func (o *Object) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	if err := writeValue(&buf, o); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func writeValue(buf *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case *Object:
		return writeObject(buf, v)
	case []any:
		buf.WriteByte('[')
		for i := range v {
			if i > 0 {
				buf.WriteByte(',')
			}
			if err := writeValue(buf, v[i]); err != nil {
				return err
			}
		}
		buf.WriteByte(']')
		return nil
	default:
		enc := json.NewEncoder(buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("write a %T: %w", v, err)
		}
		buf.Truncate(buf.Len() - 1) // the line end
		return nil
	}
}

func writeObject(buf *bytes.Buffer, o *Object) error {
	buf.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := writeValue(buf, name); err != nil {
			return err
		}
		buf.WriteByte(':')
		if err := writeValue(buf, o.members[name]); err != nil {
			return err
		}
	}
	buf.WriteByte('}')
	return nil
}

// Parse reads one JSON document.
func Parse(doc []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	v, err := readValue(dec)
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read JSON: something follows the document")
	}
	return v, nil
}

func readValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := NewObject()
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			value, err := readValue(dec)
			if err != nil {
				return nil, err
			}
			o.Set(name.(string), value) // a member's name is a string
		}
		_, err := dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			value, err := readValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := dec.Token()
		return list, err
	default:
		return token, nil
	}
}

// pointed is the value that a JSON pointer (RFC 6901) names.
func pointed(doc any, pointer string) (any, bool) {
	if pointer == "" {
		return doc, true
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch parent := doc.(type) {
		case *Object:
			if !parent.Has(token) {
				return nil, false
			}
			doc = parent.members[token]
		case []any:
			var i int
			if _, err := fmt.Sscanf(token, "%d", &i); err != nil || i < 0 || i >= len(parent) || fmt.Sprint(i) != token {
				return nil, false
			}
			doc = parent[i]
		default:
			return nil, false
		}
	}
	return doc, true
}
