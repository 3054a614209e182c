package screen

import (
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestYAML(t *testing.T) {
	for name, test := range map[string]struct{ doc, want string }{
		"the order stays":              {`{"b":1,"a":{"d":true,"c":null}}`, "---\nb: 1\na:\n  d: true\n  c: null\n"},
		"lists of lists and objects":   {`[[1,[2]],{"a":1,"b":[{"c":2}]},[]]`, "---\n- - 1\n  - - 2\n- a: 1\n  b:\n    - c: 2\n- []\n"},
		"nothing in it":                {`{"a":{},"b":[]}`, "---\na: {}\nb: []\n"},
		"nothing at all":               {`{}`, "--- {}\n"},
		"a text alone":                 {`"x"`, "--- x\n"},
		"digits are kept":              {`[9007199254740993,18446744073709551616,1.10,-0.5]`, "---\n- 9007199254740993\n- 18446744073709551616\n- 1.10\n- -0.5\n"},
		"exponents that all take":      {`[1e30,1.5E-7]`, "---\n- 1.0e+30\n- 1.5e-7\n"},
		"words are plain":              {`["a:B","api_request:ApiRequest","x-1"]`, "---\n- a:B\n- api_request:ApiRequest\n- x-1\n"},
		"what could be something else": {`["yes","Off","1","1e3",".inf","2026-11-21","12:30:45","","~","<<","?","a: b","a #b","it's"]`, "---\n- \"yes\"\n- \"Off\"\n- \"1\"\n- \"1e3\"\n- \".inf\"\n- \"2026-11-21\"\n- \"12:30:45\"\n- \"\"\n- \"~\"\n- \"<<\"\n- \"?\"\n- \"a: b\"\n- \"a #b\"\n- \"it's\"\n"},
		"what YAML has not":            {`["\u001b[31m","\u007f","\u0085","\ufeff","a\r\nb"]`, "---\n- \"\\u001b[31m\"\n- \"\\u007f\"\n- \"\\u0085\"\n- \"\\ufeff\"\n- \"a\\r\\nb\"\n"},
		"keys too":                     {`{"no":1,"1":2,"a b":3,"":4}`, "---\n\"no\": 1\n\"1\": 2\n\"a b\": 3\n\"\": 4\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			if err := WriteYAML(&got, json.RawMessage(test.doc)); err != nil {
				t.Fatal(err)
			}
			if got.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), test.want)
			}
		})
	}
}

// A document says the same to a program and nothing to a terminal.
func TestDocumentsDriveNoTerminal(t *testing.T) {
	const text = "a\u009b31m\u007f\u0085\u202eb\u2066\u200d\u2028\ufeff東京é\n\x1b"
	for name, write := range map[string]func(io.Writer, any) error{"JSON": WriteJSON, "JSON on a line": WriteJSONLine, "YAML": WriteYAML} {
		var got strings.Builder
		if err := write(&got, json.RawMessage(`{"x`+"\u009b"+`":"`+strings.NewReplacer("\n", `\n`, "\x1b", `\u001b`).Replace(text)+`"}`)); err != nil {
			t.Fatal(err)
		}
		if rest := strings.Trim(got.String(), "\n"); Printable(strings.ReplaceAll(rest, "\n", "")) != strings.ReplaceAll(rest, "\n", "") {
			t.Errorf("%s: %q", name, rest)
		}
		var read map[string]string
		if err := yaml.Unmarshal([]byte(got.String()), &read); err != nil || read["x\u009b"] != text {
			t.Errorf("%s: %q, %v", name, read, err)
		}
	}
}

// longNumber matches what the other reader takes for a text.
var longNumber = regexp.MustCompile(`[0-9]{18}`)

// Whatever JSON is written, another reader of YAML reads the same out of it.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,"x",{"b":null}],"c":{"d":[[],{}]}}`, `["- x","---","...","a\nb","\t"," lead","trail "]`,
		`"\u2028\u00a0\ud83d\ude00"`, `[true,false,null,0.1,"null","0x1F","0o7","1_000"]`, `{"a":{"b":{"c":[[["x"]]]}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want any
		if json.Unmarshal([]byte(text), &want) != nil || longNumber.MatchString(text) {
			t.Skip()
		}
		var got strings.Builder
		if err := WriteYAML(&got, json.RawMessage(text)); err != nil {
			t.Fatal(err)
		}
		var read any
		if err := yaml.Unmarshal([]byte(got.String()), &read); err != nil {
			t.Fatalf("%q is not YAML: %v\n%s", text, err, got.String())
		}
		again, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		var back any
		if err := json.Unmarshal(again, &back); err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("%s became %s by way of\n%s", text, again, got.String())
		}
	})
}
