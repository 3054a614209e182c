package cmepython

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files are modules by their path in the folder.
type files map[string]string

// newBridge puts modules into a folder.
func newBridge(t testing.TB, kind string, modules files) bridge {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3 (Debian: apt-get install python3)")
	}
	b := bridge{kind: kind, folder: filepath.Join(t.TempDir(), Folder)}
	if err := os.Mkdir(b.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range modules {
		b.put(t, name, text)
	}
	return b
}

// put writes a module.
func (b bridge) put(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(b.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// example returns a module of examples/cme-modules.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "cme-modules", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// attackModule is a module m with an attack m:A whose run() has this body.
func attackModule(body string) string { return attackModuleWith("", body) }

// attackModuleWith has more attributes in the class.
func attackModuleWith(attributes, body string) string {
	indented := strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n        ")
	return `import logging, os, subprocess, sys, threading, time
from chaosmonkey.attacks import Attack

log = logging.getLogger("m")

class A(Attack):
    ref = "m:A"
    schema = {"type": "object"}
    example = {"ref": "m:A"}
    ` + attributes + `

    def run(self):
        ` + indented + `
`
}

// attack finds the attack with a ref, as on the way to a run.
func (b bridge) attack(t *testing.T, ref string) sdk.Attack[json.RawMessage] {
	t.Helper()
	offer, err := b.find(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	a := offer.(sdk.Attack[json.RawMessage])
	a.Whole = &sdk.Whole{Schema: []byte(`{"type": "object"}`)}
	return a
}

// runBody runs an attack with this body.
func runBody(t *testing.T, body string, options ...sdktest.Option) *sdktest.Recording {
	t.Helper()
	b := newBridge(t, "attack", files{"m.py": attackModule(body)})
	options = append([]sdktest.Option{sdktest.Config(map[string]any{"ref": "m:A"})}, options...)
	return sdktest.Run(t, b.attack(t, "m:A"), nil, options...)
}

// messages are those of a log at a level.
func messages(log []sdktest.LogEntry, level string) []string {
	var list []string
	for _, e := range log {
		if e.Level == level {
			list = append(list, e.Message)
		}
	}
	return list
}

func TestTheExampleRuns(t *testing.T) {
	b := newBridge(t, "attack", files{"my_attack.py": example(t, "my_attack.py")})
	offers, warnings, err := b.list(t.Context())
	if err != nil || len(warnings) > 0 || len(offers) != 1 {
		t.Fatalf("%d offers, warnings %q, error %v", len(offers), warnings, err)
	}
	a := offers[0].(sdk.Attack[json.RawMessage])
	got := sdktest.Run(t, a, nil, sdktest.Config(map[string]any{"ref": "my_attack:MyAttack", "name": "attack1"}))
	if got.Failure != nil || string(got.Result) != `{"said":1}` && string(got.Result) != `{"said": 1}` {
		t.Errorf("failure %v, result %s", got.Failure, got.Result)
	}
	if said := messages(got.Log, "info"); !slices.Equal(said, []string{"hello, attack1", "said it 1 times"}) {
		t.Errorf("log %q", said)
	}
}
