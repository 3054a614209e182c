package plugincheck

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// The elements of JUnit's report, as CI servers read them.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitTrouble `xml:"failure,omitempty"`
		Error   *junitTrouble `xml:"error,omitempty"`
		Skipped *junitTrouble `xml:"skipped,omitempty"`
	}
	junitTrouble struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes reports as JUnit's XML: a suite for each plugin, a case for
// each check. A check that was not run is skipped; a plugin that could not be
// checked is an error.
func WriteJUnit(w io.Writer, reports []*Report) error {
	var doc junitSuites
	for _, r := range reports {
		doc.Suites = append(doc.Suites, suiteOf(r))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(doc); err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	return nil
}

func suiteOf(r *Report) junitSuite {
	s := junitSuite{
		Name: printable(r.Path), Tests: len(r.Findings),
		Failures: r.Count(Failed), Skipped: r.Count(NotRun),
	}
	var took time.Duration
	for _, f := range r.Findings {
		took += f.Took
		s.Cases = append(s.Cases, caseOf(f))
	}
	if r.Error != "" {
		s.Tests, s.Errors = s.Tests+1, 1
		s.Cases = append(s.Cases, junitCase{
			Class: subjectOf(""), Name: "it can be checked", Time: seconds(0),
			Error: &junitTrouble{Message: printable(r.Error), Type: "not-checked"},
		})
	}
	s.Time = seconds(took)
	return s
}

func caseOf(f Finding) junitCase {
	c := junitCase{Class: subjectOf(f.Ref), Name: f.Check + ": " + printable(f.Title), Time: seconds(f.Took)}
	switch f.Outcome {
	case Failed:
		c.Failure = &junitTrouble{Message: printable(f.Message), Type: f.Check}
		if f.Hint != "" {
			c.Failure.Text = "to mend it: " + printable(f.Hint)
		}
	case NotRun:
		c.Skipped = &junitTrouble{Message: printable(f.Message)}
	case Passed:
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
