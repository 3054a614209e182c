package plugincheck

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// words are what a report calls the outcomes.
var words = map[Outcome]string{Passed: "passed", Failed: "FAILED", NotRun: "not run"}

// Escape sequences of terminals (ECMA-48, SGR).
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	plain = "\x1b[0m"
)

// WriteText writes a report for people: what failed first, with what was found
// and how to mend it, then every check by ref, then how many there were. Nothing
// a plugin said drives the terminal.
func WriteText(w io.Writer, r *Report, colour bool) error {
	t := &text{Writer: bufio.NewWriter(w), colour: colour}
	t.head(r)
	for _, f := range r.Findings {
		if f.Outcome == Failed {
			t.failure(f)
		}
	}
	for _, ref := range refsIn(r.Findings) {
		t.section(ref, r.Findings)
	}
	t.summary(r)
	return t.Flush()
}

// text writes lines. Flush returns the first error.
type text struct {
	*bufio.Writer
	colour bool
}

func (t *text) line(format string, args ...any) {
	_, _ = fmt.Fprintf(t, format+"\n", args...) // Flush returns the error
}

func (t *text) paint(colour, s string) string {
	if !t.colour {
		return s
	}
	return colour + s + plain
}

func (t *text) head(r *Report) {
	about := []string{}
	if len(r.SHA256) >= 12 {
		about = append(about, "sha256 "+r.SHA256[:12])
	}
	if r.SDK != "" {
		about = append(about, printable(r.SDK))
	}
	switch {
	case r.Live:
		about = append(about, "live")
	case r.Sandboxed:
		about = append(about, "in a sandbox")
	case r.Error == "":
		about = append(about, "without a sandbox")
	}
	line := printable(r.Path)
	if len(about) > 0 {
		line += " (" + strings.Join(about, ", ") + ")"
	}
	t.line("%s", line)
}

// failure tells what was demanded, what was found, and how to mend it.
func (t *text) failure(f Finding) {
	t.line("")
	t.line("%s %s", t.paint(red, words[Failed]), subjectOf(f.Ref)+": "+printable(f.Title)+" ["+f.Check+"]")
	t.line("  found: %s", printableLines(f.Message, "    "))
	if f.Hint != "" {
		t.line("  to mend it: %s", printableLines(f.Hint, "    "))
	}
}

// section lists the checks of a ref.
func (t *text) section(ref string, findings []Finding) {
	t.line("")
	t.line("%s", subjectOf(ref))
	for _, f := range findings {
		if f.Ref != ref {
			continue
		}
		word := fmt.Sprintf("%-7s", words[f.Outcome])
		switch f.Outcome {
		case Passed:
			word = t.paint(green, word)
		case Failed:
			word = t.paint(red, word)
		case NotRun:
		}
		t.line("  %s  %s [%s]", word, printable(f.Title), f.Check)
		if f.Outcome != Failed && f.Message != "" && f.Message != onlyLive {
			t.line("           %s", printableLines(f.Message, "           "))
		}
	}
}

// summary ends the report: how many there were, and why some were not run.
func (t *text) summary(r *Report) {
	t.line("")
	if r.Error != "" {
		t.line("%s: %s", t.paint(red, "not checked"), printable(r.Error))
		return
	}
	verdict := t.paint(green, "fit")
	if !r.Fit() {
		verdict = t.paint(red, "unfit")
	}
	t.line("%s: %d passed, %d failed, %d not run", verdict, r.Count(Passed), r.Count(Failed), r.Count(NotRun))
	for _, reason := range reasons(r.Findings) {
		t.line("  %d not run: %s", reason.count, printable(reason.text))
	}
}

type reason struct {
	text  string
	count int
}

// reasons are why checks were not run, each once, in the order they came up.
func reasons(findings []Finding) []reason {
	var all []reason
	for _, f := range findings {
		if f.Outcome != NotRun {
			continue
		}
		i := slices.IndexFunc(all, func(r reason) bool { return r.text == f.Message })
		if i < 0 {
			all, i = append(all, reason{text: f.Message}), len(all)
		}
		all[i].count++
	}
	return all
}

// refsIn returns the refs of findings in the order they come; "" is the whole
// plugin.
func refsIn(findings []Finding) []string {
	var refs []string
	for _, f := range findings {
		if !slices.Contains(refs, f.Ref) {
			refs = append(refs, f.Ref)
		}
	}
	return refs
}

func subjectOf(ref string) string {
	if ref == "" {
		return "the plugin"
	}
	return printable(ref)
}
