package screen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
)

// WriteJSON writes a document as JSON that people can read.
func WriteJSON(w io.Writer, doc any) error {
	return writeJSON(w, doc, "  ")
}

// WriteJSONLine writes a document as JSON on one line.
func WriteJSONLine(w io.Writer, doc any) error { return writeJSON(w, doc, "") }

func writeJSON(w io.Writer, doc any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", indent)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := w.Write(escaped(text.Bytes()))
	return err
}

// escaped is JSON in which no character drives a terminal or turns its letters round:
// such ones, which JSON allows in a text, are written as \u009b is.
func escaped(text []byte) []byte {
	if !bytes.ContainsFunc(text, drives) {
		return text
	}
	var safe bytes.Buffer
	for _, r := range string(text) {
		if drives(r) {
			fmt.Fprintf(&safe, `\u%04x`, r)
		} else {
			safe.WriteRune(r)
		}
	}
	return safe.Bytes()
}

// drives says whether a character of the basic plane is for a terminal rather than for
// who reads, or is none. Line ends are JSON's own.
func drives(r rune) bool {
	return r > '~' && r <= 0xffff && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == 0xfffe || r == 0xffff
}

// WriteYAML writes as YAML what WriteJSON writes as JSON, with its members in the
// same order. Each document begins with a line of three dashes, so that several
// can follow one another.
func WriteYAML(w io.Writer, doc any) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	out, err := yamlOf(text)
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}
