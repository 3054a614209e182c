// Package jsondoc works on decoded JSON documents: maps, slices, strings, bools,
// nil, and numbers as they are written (json.Number).
package jsondoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Decode reads exactly one document. Its error never contains more of the text
// than a character.
func Decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var doc any
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("unexpected end of JSON input")
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON document")
	}
	return doc, nil
}

// At returns the value that a JSON pointer (RFC 6901) names.
func At(doc any, pointer string) (any, bool) {
	for _, token := range Tokens(pointer) {
		switch parent := doc.(type) {
		case map[string]any:
			child, ok := parent[token]
			if !ok {
				return nil, false
			}
			doc = child
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(parent) {
				return nil, false
			}
			doc = parent[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

// Tokens splits a pointer into the names it is made of. The pointer to the
// whole has none.
func Tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

// Child returns the pointer to the member of that name, or to the item of that
// index, of what pointer names.
func Child(pointer, name string) string {
	return pointer + "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// Item is Child for the index of a list.
func Item(pointer string, index int) string { return pointer + "/" + strconv.Itoa(index) }

// Names returns the member names of an object, sorted.
func Names[V any](object map[string]V) []string { return slices.Sorted(maps.Keys(object)) }
