package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestContexts(t *testing.T) {
	config := t.TempDir()
	env := []string{"XDG_CONFIG_HOME=" + config}
	path := filepath.Join(config, "cmed", "contexts.yaml")
	keyFile := writeMode(t, filepath.Join(config, "key"), "cmed_file\n", 0o600)
	for _, test := range []struct {
		args, stdin, stdout, stderr string
		code                        int
	}{
		{"list", "", "there are no contexts; cmed context set NAME --server URL makes one\n", "", 0},
		{"set prod", "", "", "cmed: --server is missing: say where the daemon is\n", 2},
		{"set prod/x --server x", "", "", `cmed: "prod/x" is no name for a context: use letters, digits, dots, dashes and underlines` + "\n", 2},
		{"set prod --server https://prod --key-stdin", "cmed_one\n", "context prod (https://prod) is kept, and the current one\n", "", 0},
		{"set lab --server localhost:5001 --key-file " + keyFile, "", "context lab (http://localhost:5001) is kept; cmed context use lab makes it the current one\n", "", 0},
		{"set lab --server ftp://x", "", "", `cmed: context lab: "ftp://x" is not a URL such as http://127.0.0.1:5000` + "\n", 2},
		{"set other --server http://ops.example --key-file " + keyFile, "", "", "cmed: the key would go over the network unencrypted: call the daemon by https, or say --insecure-transport\n", 2},
		{"set no --server x --key-stdin", "two words", "", "cmed: --key-stdin: that is no key: it is one word that begins with cmed_\n", 2},
		{"set no --server x --key-stdin --key-file " + keyFile, "x", "", "cmed: --key-file and --key-stdin name a key each: give one of them\n", 2},
		{"list", "", "NAME CURRENT SERVER KEY\nlab http://localhost:5001 in " + keyFile + "\nprod * https://prod kept here\n", "", 0},
		{"use prdo", "", "", `cmed: there is no context "prdo"; did you mean "prod"?` + "\n", 2},
		{"use lab", "", "commands now call http://localhost:5001\n", "", 0},
		{"delete lab", "", "context lab is gone\n", "", 0},
		{"list", "", "NAME CURRENT SERVER KEY\nprod https://prod kept here\n", "", 0},
		{"set prod --server https://elsewhere", "", "context prod (https://elsewhere) is kept, and the current one\n", "", 0},
		{"list", "", "NAME CURRENT SERVER KEY\nprod * https://elsewhere none\n", "", 0}, // the key is not for elsewhere
		{"set pw --server https://ana:cmed_one@x", "", "context pw (https://ana:xxxxx@x) is kept; cmed context use pw makes it the current one\n", "", 0},
		{"list", "", "NAME CURRENT SERVER KEY\nprod * https://elsewhere none\npw https://ana:xxxxx@x none\n", "", 0},
		{"delete gone", "", "", `cmed: there is no context "gone"` + "\n", 2},
	} {
		got := callWith(t, env, test.stdin, append([]string{"context"}, strings.Fields(test.args)...)...)
		stderr, _, _ := strings.Cut(got.stderr, "See 'cmed")
		if got.code != test.code || squeezed(got.stdout) != squeezed(test.stdout) || stderr != test.stderr {
			t.Errorf("%s: exit code %d\n%s%s", test.args, got.code, got.stdout, got.stderr)
		}
		if strings.Contains(got.stdout+got.stderr, "cmed_one") {
			t.Errorf("%s shows the key", test.args)
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s leaves the file with mode %v", test.args, info.Mode())
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("there are %d files: %v", len(left), err)
	}
}

func TestContextsAsADocument(t *testing.T) {
	config := t.TempDir()
	env := []string{"HOME=" + config}
	callWith(t, env, "cmed_one", "context", "set", "on", "--server", "localhost:1", "--key-stdin") // a name that YAML takes for a truth
	if _, err := os.Stat(filepath.Join(config, ".config", "cmed", "contexts.yaml")); err != nil {
		t.Error(err)
	}
	got := callWith(t, env, "", "context", "list", "-o", "json")
	var doc struct{ Contexts []shownContext }
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || len(doc.Contexts) != 1 ||
		doc.Contexts[0] != (shownContext{Name: "on", Current: true, Server: "http://localhost:1", Key: "kept here"}) {
		t.Errorf("%v: %s", err, got.stdout)
	}
	if got := callWith(t, nil, "", "context", "set", "a", "--server", "x"); got.code != exitFailure ||
		!strings.Contains(got.stderr, "there is no place for contexts") {
		t.Errorf("%+v", got)
	}
}

// Who makes a context the current one is told what keeps it from being called.
func TestAContextBehindTheEnvironment(t *testing.T) {
	config := t.TempDir()
	writeMode(t, filepath.Join(config, "cmed", "contexts.yaml"), "contexts: {prod: {server: 'https://prod'}}", 0o600)
	got := callWith(t, []string{"XDG_CONFIG_HOME=" + config, "CMED_SERVER=http://env"}, "", "context", "use", "prod")
	if want := "warning: CMED_SERVER is set, which comes before the current context\n"; got.code != 0 || got.stderr != want {
		t.Errorf("%+v", got)
	}
}
