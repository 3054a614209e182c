package plugincheck

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// hostile is what a plugin may say.
const hostile = "sad \x1b[31m]]>\x00<b>&\"story\"\nFAILED fit: 1 passed"

func reports() []*Report {
	return []*Report{
		{
			Path: "./bad", SHA256: strings.Repeat("ab", 32), SDK: "sdk \x1b[2J", Sandboxed: true, Refs: []string{"a:B"},
			Findings: []Finding{
				{Check: "sdk", Title: "it says what it was built with", Outcome: Passed, Took: 1500 * time.Millisecond},
				{Check: "title", Ref: "a:B", Title: "it has a title", Outcome: Failed, Message: hostile, Hint: "give it one"},
				{Check: "stop", Ref: "a:B", Title: "it stops", Outcome: NotRun, Message: "no dry run"},
				{Check: "exit", Ref: "a:B", Title: "it exits", Outcome: NotRun, Message: "no dry run"},
				{Check: "live", Ref: "a:B", Title: "it lives", Outcome: NotRun, Message: onlyLive},
				{Check: "run", Ref: "a:B", Title: "it runs", Outcome: Passed, Message: "in words: no"},
			},
		},
		{Path: "./none", Refs: []string{}, Findings: []Finding{}, Error: "there is no file ./none"},
	}
}

func TestText(t *testing.T) {
	const want = `./bad (sha256 abababababab, sdk �[2J, in a sandbox)

FAILED a:B: it has a title [title]
  found: sad �[31m]]>�<b>&"story"
    FAILED fit: 1 passed
  to mend it: give it one

the plugin
  passed   it says what it was built with [sdk]

a:B
  FAILED   it has a title [title]
  not run  it stops [stop]
           no dry run
  not run  it exits [exit]
           no dry run
  not run  it lives [live]
  passed   it runs [run]
           in words: no

unfit: 2 passed, 1 failed, 3 not run
  2 not run: no dry run
  1 not run: only with --live, for it does what the example says
`
	var b strings.Builder
	if err := WriteText(&b, reports()[0], false); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestTextInColour(t *testing.T) {
	var b strings.Builder
	if err := WriteText(&b, reports()[0], true); err != nil {
		t.Fatal(err)
	}
	plainText := strings.NewReplacer(red, "", green, "", plain, "").Replace(b.String())
	if plainText == b.String() || strings.ContainsRune(plainText, '\x1b') {
		t.Errorf("colours are missing, or are not the report's own:\n%q", b.String())
	}
}

func TestTextOfWhatCouldNotBeChecked(t *testing.T) {
	var b strings.Builder
	if err := WriteText(&b, reports()[1], false); err != nil {
		t.Fatal(err)
	}
	if want := "./none\n\nnot checked: there is no file ./none\n"; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestAReportThatCanNotBeWrittenIsAnError(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"text":  func(w io.Writer) error { return WriteText(w, reports()[0], false) },
		"json":  func(w io.Writer) error { return WriteJSON(w, reports()) },
		"junit": func(w io.Writer) error { return WriteJUnit(w, reports()) },
	} {
		if err := write(fullDisk{}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, reports()); err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Report
		Fit    bool `json:"fit"`
		Passed int  `json:"passed"`
		Failed int  `json:"failed"`
		NotRun int  `json:"not_run"`
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Fit || got[1].Fit || got[0].Passed != 2 || got[0].Failed != 1 || got[0].NotRun != 3 {
		t.Errorf("got %+v", got)
	}
	if got[0].Findings[1].Message != hostile || got[1].Error == "" {
		t.Errorf("something is lost: %+v", got)
	}
	if bytes.ContainsAny(b.Bytes(), "\x1b\x00") {
		t.Error("control characters came through")
	}
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJUnit(&b, reports()); err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsAny(b.Bytes(), "\x1b\x00") || !bytes.HasPrefix(b.Bytes(), []byte(`<?xml version="1.0"`)) {
		t.Errorf("this is no XML: %s", b.String())
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Suites) != 2 {
		t.Fatalf("%d suites", len(got.Suites))
	}
	bad, none := got.Suites[0], got.Suites[1]
	if bad.Tests != 6 || bad.Failures != 1 || bad.Skipped != 3 || bad.Errors != 0 || len(bad.Cases) != 6 || bad.Time != "1.500" {
		t.Errorf("the first suite: %+v", bad)
	}
	if c := bad.Cases[1]; c.Class != "a:B" || c.Failure == nil || !strings.Contains(c.Failure.Message, "]]>\uFFFD<b>&\"story\"") ||
		c.Failure.Text != "to mend it: give it one" {
		t.Errorf("the failure: %+v", c)
	}
	if c := bad.Cases[2]; c.Skipped == nil || c.Failure != nil || c.Skipped.Message != "no dry run" {
		t.Errorf("what was not run: %+v", c)
	}
	if c := bad.Cases[0]; c.Skipped != nil || c.Failure != nil || c.Error != nil || c.Class != "the plugin" {
		t.Errorf("what passed: %+v", c)
	}
	if none.Tests != 1 || none.Errors != 1 || len(none.Cases) != 1 || none.Cases[0].Error == nil {
		t.Errorf("the second suite: %+v", none)
	}
}
