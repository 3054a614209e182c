package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// The formats for programs.
const (
	formatJSON = "json"
	formatYAML = "yaml"
)

// output is how a command writes what it found: for people, or as a document.
type output struct{ human, text string }

func outputFlag(human string) *output { return &output{human, human} }

func (o *output) formats() []string { return []string{o.human, formatJSON, formatYAML} }

func (o *output) usage() string {
	f := o.formats()
	return strings.Join(f[:len(f)-1], ", ") + " or " + f[len(f)-1]
}

func (o *output) Set(s string) error {
	if !slices.Contains(o.formats(), s) {
		return fmt.Errorf("it is not one of %s", strings.Join(o.formats(), ", "))
	}
	o.text = s
	return nil
}

func (o *output) String() string { return o.text }

func (o *output) Type() string { return "format" }

// forPrograms says whether a document is wanted.
func (o *output) forPrograms() bool { return o.text != o.human }

// write writes a document in the format that is wanted.
func (o *output) write(w io.Writer, doc any) error {
	if o.text == formatYAML {
		return screen.WriteYAML(w, doc)
	}
	return screen.WriteJSON(w, doc)
}

// writeOne writes a document of a stream of them: JSON on one line, or YAML.
func (o *output) writeOne(w io.Writer, doc json.RawMessage) error {
	if o.text == formatYAML {
		return screen.WriteYAML(w, doc)
	}
	return screen.WriteJSONLine(w, doc)
}

// printable is a text without what would drive a terminal, on one line.
func printable(s string) string { return screen.Printable(s) }

// printableLines is printable for several lines.
func printableLines(s string) string { return screen.PrintableLines(s) }

// writeJSON writes a document as JSON, for what has that format only.
func writeJSON(w io.Writer, doc any) error { return screen.WriteJSON(w, doc) }

// screenOf is what can be shown on a stream of the program.
func (p program) screenOf(stream io.Writer) screen.Screen {
	if pipe, ok := stream.(brokenPipe); ok {
		stream = pipe.Writer
	}
	return screen.Of(stream, p.variable)
}
