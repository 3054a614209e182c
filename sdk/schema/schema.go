// Package schema derives JSON Schemas from Go structs, compiles and validates
// them, and finds the values that must stay secret.
//
// It never reads another document: a $ref out of the schema is refused. What it
// says of a wrong value never contains the value where the schema marks it
// writeOnly.
//
// Linking this package costs a process about 2.5 ms at its start, for the schema
// library; package sdk does without it.
package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/chaos-monkey-engine/cmed/sdk/internal/jsondoc"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/precheck"
)

// Schema is a compiled JSON Schema, safe for concurrent use. Its methods must
// not be called on the zero value.
type Schema struct {
	compiled *jsonschema.Schema
	// doc is the schema as it was read, for what a message says of a rule.
	doc any
	// secrets is set when some value can be marked writeOnly at all.
	secrets bool
}

// Violation is one way an instance fails its schema.
type Violation struct {
	Pointer string // a JSON pointer into the instance, "" for the whole
	Keyword string // the keyword that failed: "required", "type", "pattern", …
	// Message is for people. For required and type it is worded as Python's
	// jsonschema does: "'name' is a required property".
	Message string
	// Hint says how it may be mended, where that is known.
	Hint string
}

// address is what the library knows a schema by. It is never looked up.
const address = "https://schema.invalid/"

// Compile reads a schema. Without $schema it is draft 2020-12; formats are
// asserted, keywords that no draft knows are ignored. The error says where the
// schema is wrong and, for the common mistakes, how to mend it.
func Compile(doc []byte) (s *Schema, err error) {
	defer func() { // the library panics on some documents that it does not expect
		if p := recover(); p != nil {
			s, err = nil, fmt.Errorf("schema: it can't be compiled: %v", p)
		}
	}()
	tree, err := jsondoc.Decode(doc)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if err := checkExtent(tree); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if pointer, ok := outsized(tree); ok {
		return nil, fmt.Errorf("schema: %s: the number is too large", pointer)
	}
	if err := precheck.Schema(tree); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if err := checkIdentity(tree); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return compileAt(doc, tree, "")
}

// compileAt compiles the part of a schema that a JSON pointer names. The schema
// must have been found in order.
func compileAt(doc []byte, tree any, part string) (*Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft2020
	compiler.AssertFormat = true
	compiler.LoadURL = refuseURL
	marks := &secretMarks{}
	compiler.RegisterExtension(secretMark, nil, marks)
	if err := compiler.AddResource(address, bytes.NewReader(doc)); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	compiled, err := compiler.Compile(address + fragment(part))
	if err != nil {
		return nil, fmt.Errorf("schema: %w", explain(err))
	}
	return &Schema{compiled: compiled, doc: tree, secrets: marks.any}, nil
}

// NestsArgs says whether the schema describes a whole config: whether it has a
// property "args".
func (s *Schema) NestsArgs() bool {
	for node := s.compiled; node != nil; node = node.Ref {
		if _, ok := node.Properties["args"]; ok {
			return true
		}
	}
	return false
}

func refuseURL(url string) (io.ReadCloser, error) {
	return nil, fmt.Errorf("%q is another document; a schema must be complete in itself", strings.TrimPrefix(url, address))
}

// explain turns the library's error into one that names each place that is
// wrong.
func explain(err error) error {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		var outer *jsonschema.SchemaError
		if errors.As(err, &outer) && outer.Err != nil {
			return outer.Err
		}
		return err
	}
	var places []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			places = append(places, fmt.Sprintf("%s: %s", plainPointer(e.InstanceLocation), e.Message))
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(invalid)
	const most = 3
	if len(places) > most {
		places = append(places[:most], "…")
	}
	return errors.New(strings.Join(places, "; "))
}
