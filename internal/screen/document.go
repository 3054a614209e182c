package screen

import (
	"encoding/json"
	"io"
)

// WriteJSON writes a document as JSON that people can read.
func WriteJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
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
