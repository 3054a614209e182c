package openapi

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/goccy/go-yaml"
)

// written is the part of the description that is written by hand.
//
//go:embed spec/*.yaml
var written embed.FS

// readWritten reads the files of spec/ and merges them into one object.
func readWritten() (*Object, error) {
	names, err := fs.Glob(written, "spec/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the description: %w", err)
	}
	whole := NewObject()
	for _, name := range names { // sorted
		text, err := written.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the description: %w", err)
		}
		var doc yaml.MapSlice
		if err := yaml.UnmarshalWithOptions(text, &doc, yaml.UseOrderedMap()); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		part, err := ofYAML(doc)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		whole.merge(part.(*Object)) // as a MapSlice is
	}
	return whole, nil
}

// ofYAML makes a value of what the YAML library has read.
func ofYAML(v any) (any, error) {
	switch v := v.(type) {
	case yaml.MapSlice:
		o := NewObject()
		for _, item := range v {
			value, err := ofYAML(item.Value)
			if err != nil {
				return nil, err
			}
			o.Set(fmt.Sprint(item.Key), value)
		}
		return o, nil
	case []any:
		list := make([]any, len(v))
		for i := range v {
			value, err := ofYAML(v[i])
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	case nil, bool, string, int, int64, uint64, float64:
		return v, nil
	default:
		return nil, fmt.Errorf("a %T is no value of JSON", v)
	}
}
