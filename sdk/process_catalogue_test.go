package sdk_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// texts returns a folder with two texts and something else, which the test
// plugin serves as a catalogue, and the variable that has it do so.
func texts(t *testing.T) (folder, variable string) {
	t.Helper()
	folder = t.TempDir()
	for name, content := range map[string]string{"one.txt": "1", "two.txt": "2", "three.bin": "3"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, "TESTPLUGIN_FOLDER=" + folder
}

// tidy returns a description as JSON without white space.
func tidy(t *testing.T, d pluginv1.Description) string {
	t.Helper()
	doc, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func TestProcessDescribesACatalogue(t *testing.T) {
	folder, variable := texts(t)
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary, pluginv1.DescribeArg)
	cmd.Env = []string{variable}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err, stderr.String())
	}
	if stderr.String() != "this is no description\n" {
		t.Errorf("stderr %q", stderr.String())
	}
	var printed pluginv1.Description
	if err := json.Unmarshal(stdout.Bytes(), &printed); err != nil {
		t.Fatalf("%v in %s", err, stdout.String())
	}
	if refs := []string{printed.Offers[0].Ref, printed.Offers[1].Ref}; len(printed.Offers) != 2 || refs[0] != "text:one" || refs[1] != "text:two" {
		t.Errorf("offers %+v", printed.Offers)
	}
	if !reflect.DeepEqual(printed.Watch, []string{folder}) || !reflect.DeepEqual(printed.Warnings, []string{"three.bin: it is not a text"}) {
		t.Errorf("watch %q, warnings %q", printed.Watch, printed.Warnings)
	}

	p := startProcess(t, variable)
	response, err := p.client.Describe(t.Context(), &pluginv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if asked := response.Describe(); tidy(t, asked) != tidy(t, printed) {
		t.Errorf("asked\n%s\nprinted\n%s", tidy(t, asked), tidy(t, printed))
	}
	_ = p.stdin.Close()
	p.ends(0)
	if !strings.Contains(p.stderr.String(), "this is no description") {
		t.Errorf("what List printed is lost; stderr %q", p.stderr)
	}
}

func TestProcessRunsFromACatalogue(t *testing.T) {
	folder, variable := texts(t)
	p := startProcess(t, variable)
	s := p.run("", "")
	s.start("text:two", []byte(`{"ref":"text:two","times":2}`))
	all := s.until(isFinished, "")
	const want = `{"config":{"ref":"text:two","times":2},"content":"2"}`
	if failureOf(all) != nil || len(all) != 3 || string(all[1].GetResult().GetDocument()) != want {
		t.Errorf("messages %v", all)
	}
	s = p.run("", "")
	s.start("text:four", []byte(`{"ref":"text:four","times":2}`))
	if all := s.until(isFinished, ""); len(all) != 1 || failureOf(all).GetMessage() != `find text:four: there is no text "four"` {
		t.Errorf("messages %v", all)
	}
	if exists(filepath.Join(folder, "listed")) {
		t.Error("the folder was listed on the way to a run")
	}
	_ = p.stdin.Close()
	p.ends(0)
}

// A plugin is started for every run: what it links, each start pays.
func TestTheSDKIsLight(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", "./internal/testplugin").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(deps), "/sdk/internal/precheck\n") {
		t.Fatalf("unexpected list %s", deps)
	}
	for _, heavy := range []string{"santhosh-tekuri", "cmed/sdk/schema\n", "cmed/sdk/sdktest\n"} {
		if strings.Contains(string(deps), heavy) {
			t.Errorf("a plugin links %q", strings.TrimSpace(heavy))
		}
	}
}
