package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// content returns the bytes of the request's body and the Content-Type that
// goes with them, "" for none. An empty payload sends no body, as with Python's
// requests.
func (a Args) content() (body []byte, contentType string, err error) {
	if len(a.Payload) == 0 {
		return nil, "", nil
	}
	switch a.bodyKind() {
	case "json":
		var compact bytes.Buffer
		if err := json.Compact(&compact, a.Payload); err != nil {
			return nil, "", sdk.Invalid("/payload", "the payload is not JSON: %v", err)
		}
		return compact.Bytes(), "application/json", nil
	case "raw":
		var text string
		if err := json.Unmarshal(a.Payload, &text); err != nil {
			return nil, "", sdk.Invalid("/payload", "a raw payload is a string")
		}
		return []byte(text), "", nil
	case "form":
		form, err := formOf(a.Payload)
		if err != nil || len(form) == 0 {
			return nil, "", err
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	default:
		return nil, "", nil
	}
}

// bodyKind is Body, or what the payload's type makes of its absence.
func (a Args) bodyKind() string {
	switch {
	case a.Body != "":
		return a.Body
	case bytes.HasPrefix(a.Payload, []byte(`"`)):
		return "raw"
	default:
		return "form"
	}
}

// formOf reads an object as form fields: a list repeats its field, null leaves
// it out, numbers are written as in the payload.
func formOf(payload []byte) (url.Values, error) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, sdk.Invalid("/payload", "a form payload is an object")
	}
	form := url.Values{}
	for name, value := range fields {
		values, isList := value.([]any)
		if !isList {
			values = []any{value}
		}
		for _, v := range values {
			switch v.(type) {
			case nil:
			case string, json.Number, bool:
				form.Add(name, fmt.Sprint(v))
			default:
				return nil, sdk.Invalid("/payload", "field %q of a form is neither text, number, boolean nor a list of them", name)
			}
		}
	}
	return form, nil
}
