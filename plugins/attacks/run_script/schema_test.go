package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func compiled(t *testing.T) *schema.Schema {
	t.Helper()
	doc, err := schema.For[scriptArgs]()
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const minimal = `"filters": {}, "local_script": "x", "ssh": {"user": "u", "agent": true}`

func TestSchema(t *testing.T) {
	s := compiled(t)
	for _, args := range []string{
		example, hostsExample, `{` + minimal + `}`,
		`{` + minimal + `, "timeout": 1.5, "undo_script": "y", "undo_after": "0s", "cleanup": false, "sudo": true, "args": [""], "env": {"A": ""}, "secret_env": {"B": ""}}`,
		`{` + minimal + `, "hosts": ["a", {"host": "b", "port": 1, "host_key": "SHA256:x"}]}`,
		`{` + minimal + `, "remote_script": "/a b/c"}`,
	} {
		if violations := s.Validate([]byte(args)); violations != nil {
			t.Errorf("%s: %v", args, violations)
		}
		var read scriptArgs
		if err := json.Unmarshal([]byte(args), &read); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	for _, args := range []string{
		`{}`, `{"local_script": "x"}`, `{"local_script": "x", "ssh": {}}`,
		`{` + minimal + `, "unknown": 1}`, `{` + minimal + `, "hosts": []}`, `{` + minimal + `, "hosts": [1]}`,
		`{` + minimal + `, "hosts": [{"port": 1}]}`, `{` + minimal + `, "hosts": [{"host": "a", "key": "b"}]}`,
		`{` + minimal + `, "remote_script": "x"}`, `{` + minimal + `, "remote_script": "/x/"}`, `{` + minimal + `, "remote_script": "/a\nb"}`,
		`{` + minimal + `, "address": "any"}`, `{` + minimal + `, "provider": "azure"}`, `{` + minimal + `, "env": {"A-B": "x"}}`,
		`{` + minimal + `, "secret_env": {"A-B": "x"}}`, `{` + minimal + `, "env": {"A": 1}}`, `{` + minimal + `, "args": [1]}`, `{` + minimal + `, "timeout": "soon"}`,
		`{"filters": {}, "local_script": "", "ssh": {"user": "u"}}`, `{"filters": {}, "local_script": "x", "ssh": {"user": "u", "port": 0}}`,
	} {
		if s.Validate([]byte(args)) == nil {
			t.Errorf("%s is taken", args)
		}
	}
}

func TestSchemaMarksSecrets(t *testing.T) {
	args := `{` + minimal[:len(minimal)-1] + `, "pem": "a", "passphrase": "b", "key_file": "c"}, "env": {"C": "seen"}, "secret_env": {"A": "d", "B": "e"}}`
	got := compiled(t).Secrets([]byte(args))
	slices.Sort(got)
	if want := []string{"/secret_env/A", "/secret_env/B", "/ssh/passphrase", "/ssh/pem"}; !slices.Equal(got, want) {
		t.Errorf("secrets %v, want %v", got, want)
	}
}

// Every property has a description.
func TestSchemaIsDescribed(t *testing.T) {
	doc, err := schema.For[scriptArgs]()
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Description string
		Properties  map[string]json.RawMessage
		Items       json.RawMessage
		OneOf       []json.RawMessage
	}
	described := 0
	var walk func(path string, doc []byte, named bool)
	walk = func(path string, doc []byte, named bool) {
		var n node
		if err := json.Unmarshal(doc, &n); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if named && n.Description == "" {
			t.Errorf("%s has no description", path)
		}
		described++
		for name, property := range n.Properties {
			walk(path+"/"+name, property, true)
		}
		if n.Items != nil {
			walk(path+"/items", n.Items, false)
		}
		for _, one := range n.OneOf {
			walk(path+"/oneOf", one, false)
		}
	}
	walk("", doc, false)
	if described < 40 {
		t.Errorf("only %d schemas were looked at", described)
	}
}

func TestExamplePlansAreValid(t *testing.T) {
	files, err := filepath.Glob("../../../examples/plans/run-script-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example plans: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var plan struct {
			Attack struct{ Args json.RawMessage }
		}
		if err := json.Unmarshal(text, &plan); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if violations := compiled(t).Validate(plan.Attack.Args); violations != nil {
			t.Errorf("%s: %v", file, violations)
		}
		var args scriptArgs
		if err := json.Unmarshal(plan.Attack.Args, &args); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if err := args.check(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, script := range []string{args.LocalScript, args.UndoScript} {
			if _, err := os.Stat(filepath.Join("../../scripts", script)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
