package sdk

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// FuzzRef checks the form of refs against its definition.
func FuzzRef(f *testing.F) {
	for _, ref := range []string{
		"terminate_ec2_instance:TerminateEC2Instance", "a.b:C", "a:b:C", ":", "a.:B", "1a:B", "a:B\n", "é:B", strings.Repeat("a", 254) + ":B",
	} {
		f.Add(ref)
	}
	form := regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*\z`)
	f.Fuzz(func(t *testing.T, ref string) {
		if got, want := isRef(ref, ":"), form.MatchString(ref); got != want {
			t.Fatalf("isRef(%q) = %t", ref, got)
		}
	})
}

// FuzzDuration checks that a duration is read when the schema takes it, is never
// negative, and written out reads as the same.
func FuzzDuration(f *testing.F) {
	for _, doc := range []string{`"1m30s"`, `"0"`, `".5s"`, `"+3ms"`, `90`, `0.25`, `-1e-12`, `"-0s"`, `1e300`, `"99999999h"`, `null`, `true`, `"1µs2μs"`} {
		f.Add([]byte(doc))
	}
	doc, err := schema.For[struct {
		For Duration `json:"for"`
	}]()
	if err != nil {
		f.Fatal(err)
	}
	compiled, err := schema.Compile(doc)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !json.Valid(doc) || string(doc) == "null" {
			return
		}
		var d Duration
		err := json.Unmarshal(doc, &d)
		takes := compiled.Validate([]byte(`{"for":`+string(doc)+`}`)) == nil
		// For what is very long or large the two have different limits.
		if moderate := len(doc) < 10 && !strings.ContainsAny(string(doc), "eE"); moderate && takes != (err == nil) {
			t.Fatalf("the schema takes %s: %t, but it is read with error %v", doc, takes, err)
		}
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%s is read as %s", doc, d)
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var again Duration
		if err := json.Unmarshal(text, &again); err != nil || again != d {
			t.Fatalf("%s is written as %s, which reads as %s, %v", doc, text, again, err)
		}
	})
}

// FuzzArgs checks that any config of the host's is read or refused, about the
// args with a pointer into them.
func FuzzArgs(f *testing.F) {
	for _, doc := range []string{
		`{"ref":"a:B","args":{"list":[{"n":1}],"by":{"x/y.z":2},"for":"1s"}}`, `{"args":null}`, `{"args":5}`,
		`{"args":{"list":[{"n":"1"}]}}`, `{"args":{"by":{"a":"b"}}}`, `{"args":{"for":-1}}`, `{"ref":5}`, `[`,
	} {
		f.Add([]byte(doc))
	}
	type args struct {
		List []struct{ N int } `json:"list"`
		By   map[string]int    `json:"by"`
		For  Duration          `json:"for"`
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := decodeConfig(doc)
		if err != nil {
			if f := failure(context.Background(), err); f.GetMessage() == "" || f.GetPointer() != "" {
				t.Fatalf("%s: failure %v", doc, f)
			}
			return
		}
		_, err = decodeArgs[args](Info{}, c.Args)
		if err == nil {
			return
		}
		if _, ok := asType[*invalidError](err); !ok {
			t.Fatalf("%s: %v is not about the args", doc, err)
		}
		wire := failure(context.Background(), err)
		if pointer := wire.GetPointer(); pointer != "/args" && !strings.HasPrefix(pointer, "/args/") || !utf8.ValidString(wire.GetMessage()) {
			t.Fatalf("%s: failure %v", doc, wire)
		}
	})
}

// FuzzLog checks that whatever is logged can be sent: text that is text, and
// fields that are one JSON object.
func FuzzLog(f *testing.F) {
	f.Add("hello", "msg", "x", "")
	f.Add("a\xffb", "\x00", "\x00", "g")
	f.Add("", "level", "\u2028", "level")
	f.Fuzz(func(t *testing.T, message, key, value, group string) {
		var sent *pluginv1.LogEntry
		log := newLogger(func(e *pluginv1.LogEntry) { sent = e })
		log.WithGroup(group).Info(message, key, value, slog.Group(key, slog.Any(key, []string{value})))
		if sent == nil || !utf8.ValidString(sent.GetMessage()) {
			t.Fatalf("sent %v", sent)
		}
		var object map[string]any
		if fields := sent.GetFields(); fields != nil && (!utf8.Valid(fields) || json.Unmarshal(fields, &object) != nil) {
			t.Fatalf("fields %q", fields)
		}
	})
}
