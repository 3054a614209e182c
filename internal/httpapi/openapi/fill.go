package openapi

import (
	"fmt"
	"slices"
	"strings"
)

// fill replaces, everywhere in v, what only names something: x-words by the words,
// x-list-of by the pattern of a list of them, $example by the example.
func (b *builder) fill(v any) error {
	switch v := v.(type) {
	case *Object:
		for _, name := range slices.Clone(v.Names()) {
			if err := b.fillMember(v, name); err != nil {
				return err
			}
		}
	case []any:
		for i := range v {
			if example, err := b.example(v[i]); err != nil {
				return err
			} else if example != nil {
				v[i] = example
			}
			if err := b.fill(v[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) fillMember(o *Object, name string) error {
	switch name {
	case "x-words":
		words, err := b.words(o.Text(name))
		if err != nil {
			return err
		}
		list := make([]any, len(words), len(words)+1)
		for i, word := range words {
			list[i] = word
		}
		if slices.Contains(o.List("type"), any("null")) {
			list = append(list, nil)
		}
		o.remove(name)
		o.Set("enum", list)
		return nil
	case "x-list-of":
		words, err := b.words(o.Text(name))
		if err != nil {
			return err
		}
		one := " *(" + strings.Join(words, "|") + ") *"
		o.remove(name)
		o.Set("pattern", "^"+one+"(,"+one+")*$")
		return nil
	}
	if example, err := b.example(o.At(name)); err != nil {
		return err
	} else if example != nil {
		o.Set(name, example)
	}
	return b.fill(o.At(name))
}

func (b *builder) words(name string) ([]string, error) {
	words := b.Words[name]
	if words == nil {
		return nil, fmt.Errorf("there are no words %q", name)
	}
	return words, nil
}

// example is the example that v names; nil when v names none.
func (b *builder) example(v any) (any, error) {
	o, _ := v.(*Object)
	name := o.Text("$example")
	if name == "" {
		return nil, nil
	}
	example := b.examples.At(name)
	if example == nil {
		return nil, fmt.Errorf("there is no example %q", name)
	}
	return clone(example), nil
}
