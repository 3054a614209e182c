package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The structs of docs/authors/schema.md compile, and what comes out of each is
// the JSON below it.
func TestStructsOfThePage(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not in PATH; add its folder")
	}
	text, err := os.ReadFile("../../docs/authors/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	pairs := regexp.MustCompile("(?s)\n```go\n(.*?)```\n\n```json\n(.*?)```\n").FindAllStringSubmatch(string(text), -1)
	if blocks := bytes.Count(text, []byte("\n```go\n")); len(pairs) < 3 || blocks != len(pairs) {
		t.Fatalf("the page has %d blocks of Go, of which %d have JSON below them", blocks, len(pairs))
	}
	var source, calls strings.Builder
	for _, pair := range pairs {
		source.WriteString(pair[1])
		name := regexp.MustCompile(`^type (\w+) struct`).FindStringSubmatch(pair[1])
		if name == nil {
			t.Fatalf("this block does not begin with a struct:\n%s", pair[1])
		}
		fmt.Fprintf(&calls, "\tshow(schema.For[%s]())\n", name[1])
	}
	file := filepath.Join(t.TempDir(), "main.go")
	program := fmt.Sprintf(frame, source.String(), calls.String())
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(got) != len(pairs) {
		t.Fatalf("%d lines for %d structs:\n%s", len(got), len(pairs), out)
	}
	for i, pair := range pairs {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(pair[2])); err != nil {
			t.Errorf("%v in\n%s", err, pair[2])
		}
		if got[i] != want.String() {
			t.Errorf("the page says\n%s\nbut it is\n%s", &want, got[i])
		}
	}
}

const frame = `package main

import (
	"fmt"
	"log"

	"github.com/invopop/jsonschema"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

%s

var (
	_ sdk.Duration
	_ jsonschema.Schema
)

func show(doc []byte, err error) {
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(doc))
}

func main() {
%s}
`
