package plugincheck

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReadSpoken(t *testing.T) {
	for _, c := range []struct{ rule, stdout, text, before, after string }{
		{"nothing", "", "", "", ""},
		{"a description", "{\"protocol\":1}\n", `{"protocol":1}`, "", ""},
		{"indented, over several lines", " {\n \"offers\": []\n}\n", "{\n \"offers\": []\n}", "", ""},
		{"after a greeting", "hello {you}\n{\"offers\":[]}", `{"offers":[]}`, "hello {you}", ""},
		{"before a farewell", `{"offers":[]} bye`, `{"offers":[]}`, "", "bye"},
		{"twice", "{\"offers\":[]}\n{\"offers\":[]}\n", `{"offers":[]}`, "", `{"offers":[]}`},
		{"after another object", "{\"level\":\"info\"}\n{\"offers\":[]}", `{"offers":[]}`, `{"level":"info"}`, ""},
		{"cut short", `{"offers":[`, "", "", ""},
		{"another object", `{"a":1}`, "", "", ""},
		{"a list", `[{"offers":[]}]`, "", "", ""},
		{"in the middle of a line", `x {"offers":[]}`, "", "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := readSpoken([]byte(c.stdout))
			if string(s.text) != c.text || s.before != c.before || s.after != c.after {
				t.Errorf("got %q, before %q, after %q", s.text, s.before, s.after)
			}
		})
	}
}

// FuzzReadSpoken checks that anything can be read, and that what is found was
// there.
func FuzzReadSpoken(f *testing.F) {
	for _, text := range []string{"", "{", "{\"offers\":[]}", "a\n {\"protocol\":{}}x", "{{{\n\n{\"offers\":1}", "\xff\n{\"offers\":\"\xff\"}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, stdout []byte) {
		s := readSpoken(stdout)
		if s.text == nil {
			return
		}
		if !json.Valid(s.text) || !strings.Contains(string(stdout), string(s.text)) {
			t.Fatalf("found %q in %q", s.text, stdout)
		}
		_, _ = s.description()
	})
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ rule, a, b, at, one, two string }{
		{"none", `{"a":[1,{"b":null}]}`, `{"a":[1,{"b":null}]}`, "", "", ""},
		{"a value", `{"a":[1,{"b":null}]}`, `{"a":[1,{"b":false}]}`, "/a/1/b", "null", "false"},
		{"a number as it is written", `[1]`, `[1.0]`, "/0", "1", "1.0"},
		{"a missing member", `{"a":1}`, `{}`, "/a", "1", "nothing"},
		{"a further item", `[1]`, `[1,{}]`, "/1", "nothing", "{}"},
		{"another type", `{"a":{}}`, `{"a":[]}`, "/a", "{}", "[]"},
		{"null and nothing", `{"a":null}`, `{}`, "/a", "null", "nothing"},
		{"a name with signs", `{"a/~b":1}`, `{"a/~b":2}`, "/a~1~0b", "1", "2"},
		{"the first by name", `{"b":1,"a":1}`, `{"b":2,"a":2}`, "/a", "1", "2"},
		{"the whole", `1`, `"1"`, "", "1", `"1"`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			at, one, two, differs := difference("", decodeAny(t, c.a), decodeAny(t, c.b))
			if differs != (c.one != "") {
				t.Fatalf("differs: %t", differs)
			}
			if differs && (at != c.at || shown(one) != c.one || shown(two) != c.two) {
				t.Errorf("at %q %s and %s", at, shown(one), shown(two))
			}
		})
	}
}

func decodeAny(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
