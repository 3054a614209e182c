package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readConfigFile reads a YAML mapping of option names to a value, or to a list
// of values where an option may be given several times.
func readConfigFile(path string) (settings, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return parseConfig(path, text)
}

// parseConfig reads the text of a configuration file; path is for errors.
func parseConfig(path string, text []byte) (settings, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%s is not YAML: %s", path, yaml.FormatError(err, false, true))
	}
	if len(file.Docs) > 1 {
		return nil, fmt.Errorf("%s holds %d YAML documents; it must be one", path, len(file.Docs))
	}
	s := settings{}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return s, nil
	}
	root, ok := file.Docs[0].Body.(ast.MapNode)
	if !ok {
		return nil, fmt.Errorf("%s must be a mapping, such as \"port: 5000\"", path)
	}
	for entries := root.MapRange(); entries.Next(); {
		key := entries.Key()
		where := fmt.Sprintf("%s:%d", path, key.GetToken().Position.Line)
		name := key.GetToken().Value
		values, err := readEntry(name, entries.Value())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		s[name] = given{values, where + ": " + name}
	}
	return s, nil
}

// readEntry reads the value of one option as the texts a flag would have.
func readEntry(name string, value ast.Node) ([]string, error) {
	i := slices.IndexFunc(options, func(o option) bool { return o.name == name })
	if i < 0 {
		return nil, unknownOption(name, optionNames())
	}
	list, isList := value.(*ast.SequenceNode)
	if !isList {
		text, err := scalar(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return []string{text}, nil
	}
	if !options[i].repeats {
		return nil, fmt.Errorf("%s: takes one value, not a list", name)
	}
	var texts []string
	for _, item := range list.Values {
		text, err := scalar(item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// scalar returns a value as text.
func scalar(node ast.Node) (string, error) {
	value, ok := node.(ast.ScalarNode)
	if !ok {
		return "", errors.New("must be a plain value")
	}
	if value.GetValue() == nil {
		return "", errors.New("has no value")
	}
	return fmt.Sprint(value.GetValue()), nil
}
