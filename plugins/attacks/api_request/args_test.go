package main

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestStatuses(t *testing.T) {
	for text, want := range map[string]Statuses{
		"200": {200}, "200.0": {200}, "[200, 404]": {200, 404}, "[2e2]": {200},
	} {
		var s Statuses
		if err := json.Unmarshal([]byte(text), &s); err != nil || !slices.Equal(s, want) {
			t.Errorf("Statuses of %s = %v, %v; want %v", text, s, err, want)
		}
	}
	for _, text := range []string{`"200"`, "200.5", "99", "1e9", "true", `["200"]`, "{}"} {
		var s Statuses
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("Statuses of %s = %v, want an error", text, s)
		}
	}
}

func TestStatusesCheck(t *testing.T) {
	for _, c := range []struct {
		expected Statuses
		status   int
		want     string
	}{
		{nil, 500, ""},
		{Statuses{200}, 200, ""},
		{Statuses{200, 404}, 404, ""},
		{Statuses{200}, 500, "answered with status 500, but 200 is expected"},
		{Statuses{200, 404}, 500, "answered with status 500, but one of [200 404] is expected"},
	} {
		got := ""
		if err := c.expected.check(c.status); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v with %d: %q, want %q", c.expected, c.status, got, c.want)
		}
	}
}

// FuzzStatuses checks that what is read is what the JSON says, in range.
func FuzzStatuses(f *testing.F) {
	for _, seed := range []string{"200", "200.0", "[200, 404]", "[]", "null", `"200"`, "1e9", "[2e2,99]", "[[200]]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Statuses
		if err := json.Unmarshal(text, &s); err != nil {
			return
		}
		for _, status := range s {
			if status < 100 || status > 999 {
				t.Fatalf("%s is read as %v", text, s)
			}
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again Statuses
		if err := json.Unmarshal(written, &again); err != nil || !slices.Equal(again, s) {
			t.Fatalf("%s is read as %v, written as %s and read as %v, %v", text, s, written, again, err)
		}
	})
}

// FuzzPayload checks that a payload which the schema takes can be sent.
func FuzzPayload(f *testing.F) {
	for _, c := range [][2]string{
		{`{"a":["x",1,true,null],"b":1e400}`, "form"},
		{`{"a":{}}`, "json"},
		{`"\ud800"`, "raw"},
		{`{"":""}`, ""},
		{`"a"`, ""},
		{`null`, "none"},
		{`null`, "json"},
		{` {"a":1} `, ""},
		{`[]`, ""},
	} {
		f.Add([]byte(c[0]), c[1])
	}
	s := compiled(f)
	f.Fuzz(func(t *testing.T, payload []byte, kind string) {
		if !json.Valid(payload) {
			return
		}
		members := map[string]any{"endpoint": "http://a", "method": "POST", "payload": json.RawMessage(payload)}
		if kind != "" {
			members["body"] = kind
		}
		document, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(document) != nil {
			return
		}
		var args Args
		if err := json.Unmarshal(document, &args); err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		body, contentType, err := args.content()
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		if contentType == "application/json" && !json.Valid(body) {
			t.Fatalf("%s is sent as %q", document, body)
		}
	})
}
