package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const (
	// maxPlan bounds a plan, in bytes, as the API does.
	maxPlan = 1 << 20
	// maxPlanFile bounds a file of them, in bytes.
	maxPlanFile = 16 << 20
	// maxPlans bounds how many plans a file holds.
	maxPlans = 1000
)

// planText is a plan as JSON.
type planText struct {
	// where it was read: a file, and which of its documents if there are several.
	where string
	body  []byte
}

// readPlans reads the plans of a file: JSON documents one after another, or YAML
// documents with lines of three dashes between.
func readPlans(path string, stdin io.Reader) ([]planText, error) {
	name, text, err := readPlanFile(path, stdin)
	if err != nil {
		return nil, err
	}
	bodies, isJSON := splitJSON(text)
	if !isJSON {
		if bodies, err = splitYAML(name, text); err != nil {
			return nil, err
		}
	}
	if len(bodies) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	if len(bodies) > maxPlans {
		return nil, fmt.Errorf("%s holds %d plans; %d are the most", name, len(bodies), maxPlans)
	}
	plans := make([]planText, len(bodies))
	for i, body := range bodies {
		plans[i] = planText{name, body}
		if len(bodies) > 1 {
			plans[i].where = fmt.Sprintf("%s, document %d", name, i+1)
		}
		if len(body) > maxPlan {
			return nil, fmt.Errorf("%s: a plan is longer than %d bytes", plans[i].where, maxPlan)
		}
	}
	return plans, nil
}

// readPlanFile also returns the name by which errors call the file.
func readPlanFile(path string, stdin io.Reader) (name string, text []byte, err error) {
	if path == "" {
		return "", nil, errors.New("--file is missing: name the plan, or give - to read it from standard input")
	}
	name, from := path, stdin
	if path == "-" {
		name = "standard input"
	} else {
		file, err := os.Open(path) //nolint:gosec // the caller's own choice
		if err != nil {
			return "", nil, fmt.Errorf("read the plan: %w", err)
		}
		defer file.Close() //nolint:errcheck // it is only read
		from = file
	}
	text, err = io.ReadAll(io.LimitReader(from, maxPlanFile+1))
	if err != nil {
		return "", nil, fmt.Errorf("read the plan: %w", err)
	}
	if len(text) > maxPlanFile {
		return "", nil, fmt.Errorf("read the plan: %s is longer than %d bytes", name, maxPlanFile)
	}
	return name, text, nil
}

// splitJSON returns the documents of a text that is JSON, each as it is: so
// numbers keep all their digits.
func splitJSON(text []byte) (bodies [][]byte, isJSON bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var body json.RawMessage
		switch err := dec.Decode(&body); {
		case errors.Is(err, io.EOF):
			return bodies, len(bodies) > 0
		case err != nil:
			return nil, false
		}
		bodies = append(bodies, body)
	}
}

// splitYAML returns the documents of a text that is YAML, as JSON. Those without
// content are left out.
func splitYAML(name string, text []byte) (bodies [][]byte, err error) {
	for first, part := range yamlParts(text) {
		body, err := parseYAML(part)
		if err != nil && first > 0 { // once more, for an error that names the line of the file
			_, err = parseYAML(append(bytes.Repeat([]byte("\n"), first), part...))
		}
		if err != nil {
			return nil, notYAML(name, err)
		}
		if body == nil {
			continue
		}
		doc, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s can't be written as JSON: %w", name, err)
		}
		bodies = append(bodies, doc)
	}
	return bodies, nil
}

// marker matches the lines that begin and end documents (YAML 1.2.2, section 9.1.2:
// no line of a document's content can look like one).
var marker = regexp.MustCompile(`^(---|\.\.\.)(\s|$)`)

// yamlParts are the documents of a text, each with how many lines are before it.
// The parser is not asked to tell them apart: it drops what follows an empty one.
func yamlParts(text []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		first, n := 0, 0
		var part []byte
		for line := range bytes.Lines(text) {
			if marker.Match(line) {
				if !yield(first, part) {
					return
				}
				first, part = n, nil
			}
			if isDirective(line, part) || marker.Match(line) && line[0] == '.' {
				line = []byte("\n")
			}
			part = append(part, line...)
			n++
		}
		yield(first, part)
	}
}

// isDirective says whether a line is one like "%YAML 1.2", before the content of a
// part: there is nothing in those for a plan.
func isDirective(line, before []byte) bool {
	if line[0] != '%' {
		return false
	}
	for earlier := range bytes.Lines(before) {
		if text := bytes.TrimSpace(earlier); len(text) > 0 && text[0] != '#' {
			return false
		}
	}
	return true
}

// parseYAML reads a text of one document, nil when there is nothing in it.
func parseYAML(text []byte) (any, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, err
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		switch doc.Body.Type() {
		case ast.CommentType, ast.NullType, ast.DirectiveType:
			continue
		}
		var value any
		err := yaml.NodeToValue(doc.Body, &value)
		return value, err
	}
	return nil, nil
}

// maxErrorLine bounds a line of the error that shows a part of the file.
const maxErrorLine = 200

// notYAML shows what is wrong and where: the file's own words, made printable.
func notYAML(name string, err error) error {
	lines := strings.Split(printableLines(yaml.FormatError(err, false, true)), "\n")
	for i, line := range lines {
		lines[i] = screen.Screen{Width: maxErrorLine}.Shorten(line)
	}
	return fmt.Errorf("%s is neither JSON nor YAML: %s", name, strings.Join(lines, "\n"))
}

// yamlToJSON turns a text that is one document of YAML into JSON.
func yamlToJSON(name string, text []byte) ([]byte, error) {
	bodies, err := splitYAML(name, text)
	switch {
	case err != nil:
		return nil, err
	case len(bodies) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case len(bodies) > 1:
		return nil, fmt.Errorf("%s holds %s; it must be one", name, count(len(bodies), "YAML document"))
	}
	return bodies[0], nil
}
