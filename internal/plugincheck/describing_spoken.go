package plugincheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// spoken is what a plugin printed when it was asked to describe itself.
type spoken struct {
	// text is the description, nil if there is none.
	text []byte
	// before and after are what was printed besides.
	before, after string
}

// readSpoken looks for a description in what was printed: the first JSON object
// that begins a line and has offers or says the version of the protocol.
func readSpoken(stdout []byte) spoken {
	for at := 0; at < len(stdout); {
		line := stdout[at:]
		start := at + len(line) - len(bytes.TrimLeft(line, " \t\r"))
		if start < len(stdout) && stdout[start] == '{' {
			if n, ok := measure(stdout[start:]); ok {
				return spoken{
					text:   stdout[start : start+n],
					before: strings.TrimSpace(string(stdout[:start])),
					after:  strings.TrimSpace(string(stdout[start+n:])),
				}
			}
		}
		next := bytes.IndexByte(line, '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return spoken{}
}

// measure returns the length of the JSON object that text begins with, if it is
// a description.
func measure(text []byte) (length int, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var members map[string]json.RawMessage
	if err := decoder.Decode(&members); err != nil {
		return 0, false
	}
	_, offers := members["offers"]
	_, protocol := members["protocol"]
	return int(decoder.InputOffset()), offers || protocol
}

// clean says whether a description was printed and nothing else.
func (s spoken) clean() bool { return s.text != nil && s.before == "" && s.after == "" }

// description reads the description.
func (s spoken) description() (pluginv1.Description, error) {
	var d pluginv1.Description
	if s.text == nil {
		return d, errors.New("there is none")
	}
	return d, json.Unmarshal(s.text, &d)
}

// strictly returns an error that names a member which no daemon knows.
func (s spoken) strictly() error {
	decoder := json.NewDecoder(bytes.NewReader(s.text))
	decoder.DisallowUnknownFields()
	var d pluginv1.Description
	err := decoder.Decode(&d)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
