package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/precheck"
)

// examples returns whole configs, each of which validates against the schema
// and can be read into the author's struct. Without any from the author, args
// with nothing set are one if that is valid.
func (o *offer) examples(schema any) ([]json.RawMessage, error) {
	if o.Whole != nil {
		return o.wholeExamples(schema)
	}
	given := o.Examples
	if o.Example != nil {
		given = append([]any{o.Example}, given...)
	}
	if len(given) == 0 {
		if example, err := o.example(schema, struct{}{}); err == nil {
			return []json.RawMessage{example}, nil
		}
		return nil, nil
	}
	var all []json.RawMessage
	for i, args := range given {
		example, err := o.example(schema, args)
		if err != nil {
			return nil, fmt.Errorf("example %d: %w", i+1, err)
		}
		all = append(all, example)
	}
	return all, nil
}

func (o *offer) example(schema, args any) (json.RawMessage, error) {
	doc, err := encodeArgs(args)
	if err != nil {
		return nil, err
	}
	config, err := encodeArgs(Config{Ref: o.Ref, Args: doc})
	if err != nil {
		return nil, err
	}
	tree, err := jsondoc.Decode(config)
	if err != nil {
		return nil, err
	}
	if err := precheck.Instance(schema, tree); err != nil {
		return nil, err
	}
	if doc != nil {
		if err := json.Unmarshal(doc, reflect.New(o.args).Interface()); err != nil {
			return nil, fmt.Errorf("it can't be read into %s: %w", o.args, err)
		}
	}
	return config, nil
}
