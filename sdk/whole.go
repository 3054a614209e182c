package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/precheck"
)

// wholeSchema is schema for an offer that describes whole configs.
func (o *offer) wholeSchema() (doc []byte, tree any, err error) {
	if o.Schema != nil || o.Example != nil || o.Examples != nil {
		return nil, nil, errors.New("it has Whole, which takes the place of Schema, Example and Examples, and one of these too")
	}
	if len(o.Whole.Schema) == 0 {
		return nil, nil, errors.New("its Whole has no Schema")
	}
	if tree, err = readSchema(o.Whole.Schema); err != nil {
		return nil, nil, err
	}
	doc, err = withoutSpace(o.Whole.Schema)
	return doc, tree, err
}

// wholeExamples is examples for an offer that describes whole configs.
func (o *offer) wholeExamples(schema any) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for i, given := range o.Whole.Examples {
		example, err := o.wholeExample(schema, given)
		if err != nil {
			return nil, fmt.Errorf("example %d: %w", i+1, err)
		}
		all = append(all, example)
	}
	return all, nil
}

func (o *offer) wholeExample(schema any, given json.RawMessage) (json.RawMessage, error) {
	tree, err := jsondoc.Decode(given)
	if err != nil {
		return nil, err
	}
	if err := precheck.Instance(schema, tree); err != nil {
		return nil, err
	}
	config, err := decodeConfig(given)
	if err != nil {
		return nil, err
	}
	if !o.answersTo(config.Ref) {
		return nil, fmt.Errorf("its ref is %q, which is not the offer's", config.Ref)
	}
	if config.Args != nil && !holdsNothing(o.args) {
		if err := json.Unmarshal(config.Args, reflect.New(o.args).Interface()); err != nil {
			return nil, fmt.Errorf("its args can't be read into %s: %w", o.args, err)
		}
	}
	return withoutSpace(given)
}

// withoutSpace leaves out the white space, so that a description is the same however
// it is asked for.
func withoutSpace(doc []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, doc); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
