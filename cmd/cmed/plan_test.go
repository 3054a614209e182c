package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPlansAreReadAsJSON(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"JSON as it is", `{"seed": 9007199254740993,  "a": 1.0}`, []string{`{"seed": 9007199254740993,  "a": 1.0}`}},
		{"JSON that the daemon will refuse", `[1]`, []string{`[1]`}},
		{"JSON documents one after another", "{\"a\": 1}\n{\"b\":2} {}", []string{`{"a": 1}`, `{"b":2}`, `{}`}},
		{"JSON documents with dashes between", "{\"a\": 1}\n---\n{\"b\":2}\n", []string{`{"a":1}`, `{"b":2}`}},
		{"YAML", "name: a plan\nlist: [1, 2.5, true, null]\nargs:\n  date: 2026-12-24T10:00:00Z\n  day: 2026-12-24\n  \"on\": yes\n", []string{`{"args":{"date":"2026-12-24T10:00:00Z","day":"2026-12-24","on":"yes"},"list":[1,2.5,true,null],"name":"a plan"}`}},
		{"YAML with an anchor", "a: &x {b: 1}\nc: *x\n", []string{`{"a":{"b":1},"c":{"b":1}}`}},
		{"YAML of several lines", "text: |\n  one\n  \"two\"\n", []string{`{"text":"one\n\"two\"\n"}`}},
		{"YAML documents", "a: 1\n---\nb: 2\n", []string{`{"a":1}`, `{"b":2}`}},
		{"YAML documents with nothing before, between and after", "# first\n---\na: 1\n---\n# nothing\n---\n---\nb: 2\n---\n", []string{`{"a":1}`, `{"b":2}`}},
		{"YAML with marks of its end and of its version", "%YAML 1.2\n---\na: 1\n...\n...\n%YAML 1.2\n--- # two\nb: 2\r\n...\n", []string{`{"a":1}`, `{"b":2}`}},
		{"YAML that is one line long each", "--- {a: 1}\n--- {b: 2}", []string{`{"a":1}`, `{"b":2}`}},
		{"YAML that begins like JSON", "\"a\": 1\n", []string{`{"a":1}`}},
		{"YAML with a scalar of three dashes", "a: |\n  ---\n  b\n", []string{`{"a":"---\nb\n"}`}},
		{"YAML with large numbers", "seed: 9007199254740993\n", []string{`{"seed":9007199254740993}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			plans, err := readPlans("-", strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if len(plans) != len(test.want) {
				t.Fatalf("%d plans, want %d: %q", len(plans), len(test.want), plans)
			}
			for i, want := range test.want {
				where := "standard input"
				if len(plans) > 1 {
					where += fmt.Sprintf(", document %d", i+1)
				}
				if string(plans[i].body) != want || plans[i].where != where {
					t.Errorf("got  %s of %s\nwant %s of %s", plans[i].body, plans[i].where, want, where)
				}
			}
		})
	}
}

func TestPlansThatCannotBeRead(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"neither JSON nor YAML", `{"a": [`, "standard input is neither JSON nor YAML: [1:7] sequence end token ']' not found"},
		{"a mistake in the third document", "a: 1\n---\n---\nb: 1\nb: 2\n", `standard input is neither JSON nor YAML: [5:1] mapping key "b" already defined at [4:1]`},
		{"a key twice", "a: 1\na: 2\n", `standard input is neither JSON nor YAML: [2:1] mapping key "a" already defined at [1:1]`},
		{"an anchor that is not there", "a: *x\n", `standard input is neither JSON nor YAML: [1:5] could not find alias "x"`},
		{"an anchor of another document", "a: &x 1\n---\nb: *x\n", `standard input is neither JSON nor YAML: [3:5] could not find alias "x"`},
		{"nothing", "", "standard input is empty"},
		{"dashes alone", "---\n---\n", "standard input is empty"},
		{"a comment alone", "# nothing\n", "standard input is empty"},
		{"a number that JSON has not", "a: .inf\n", "standard input can't be written as JSON: json: unsupported value: +Inf"},
		{"too much", strings.Repeat(" ", maxPlanFile+1), "read the plan: standard input is longer than 16777216 bytes"},
		{"too much in one", `{} "` + strings.Repeat("a", maxPlan) + `"`, "standard input, document 2: a plan is longer than 1048576 bytes"},
		{"too many", strings.Repeat("{}", maxPlans+1), "standard input holds 1001 plans; 1000 are the most"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readPlans("-", strings.NewReader(test.text))
			if err == nil {
				t.Fatal("it was read")
			}
			got, _, _ := strings.Cut(err.Error(), "\n")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAFileThatIsNoPlanDrivesNoTerminal(t *testing.T) {
	_, err := readPlans("-", strings.NewReader("a: 1\na: \"\x1b[31m\x9b\" # "+strings.Repeat("a", 300)+"\n"))
	if err == nil {
		t.Fatal("it was read")
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line != printable(line) || utf8.RuneCountInString(line) > 2*maxErrorLine {
			t.Errorf("it shows %q", line)
		}
	}
}

func TestPlanShowsItsExecutors(t *testing.T) {
	due := time.Now().Add(4*time.Minute + 15*time.Second).Truncate(time.Second)
	past := due.Add(-time.Hour)
	s := newStandIn(t, map[string][]string{
		"POST /api/1/plans/": {`{"id":"p1","name":"a plan","executors_count":1,"_warnings":["one will not run"]}`},
		"GET /api/1/plans/p1": {`{"id":"p1","_embedded":{"executors":[
			{"id":"e1","name":"first","next_run_time":"` + past.Format(time.RFC3339) + `","state":"missed","reason":"too late"},
			{"id":"e2","name":"second","next_run_time":"` + due.Format(time.RFC3339) + `","state":"scheduled"}]},
			"_links":{"next":{"href":"/x"}}}`},
	})
	c, code := s.call(t, "plan", "-f", write(t, "name: a plan\n"))
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	want := "plan p1 \"a plan\": 1 executor to run\n" +
		"ID STATE NAME DUE ATTACK UNDO REASON\n" +
		"e1 missed first " + past.Format(time.RFC3339) + " (56 min ago) - - too late\n" +
		"e2 scheduled second " + due.Format(time.RFC3339) + " (in 4 min) - - -\n" +
		"... and more: cmed executor list --all --plan p1\n"
	if got := c.stdout.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := c.stderr.String(), "warning: one will not run\n"; got != want {
		t.Errorf("standard error %q, want %q", got, want)
	}
	if s.bodies[0] != `{"name":"a plan"}` {
		t.Errorf("posted %s", s.bodies[0])
	}
}

// cmed plan ... | head -1 has made the plan.
func TestAPlanWhoseOutputIsNotReadIsMade(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"POST /api/1/plans/":  {`{"id":"p1","name":"a plan"}`},
		"GET /api/1/plans/p1": {`{"id":"p1","_embedded":{"executors":[{"id":"e1"}]}}`},
	})
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	reader.Close()
	var stderr buffer
	for _, output := range []string{"text", "json"} {
		args := []string{"plan", "-o", output, "--server", s.URL, "-f", write(t, "{}")}
		if code := run(t.Context(), program{args: args, stdout: writer, stderr: &stderr}); code != 0 {
			t.Errorf("exit code %d: %s", code, stderr.String())
		}
	}
	writer.Close() // another error is one
	args := []string{"plan", "-o", "json", "--server", s.URL, "-f", write(t, "{}")}
	if code := run(t.Context(), program{args: args, stdout: writer, stderr: &stderr}); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
}

func TestPlanAsJSON(t *testing.T) {
	s := newStandIn(t, map[string][]string{"POST /api/1/plans/": {`{"id":"p1","msg":"ok"}`}})
	c, code := s.call(t, "plan", "-o", "json", "-f", write(t, "{}"))
	var doc struct{ ID, Msg string }
	if err := json.Unmarshal([]byte(c.stdout.String()), &doc); err != nil || code != 0 || doc.ID != "p1" || doc.Msg != "ok" {
		t.Errorf("exit code %d, %v: %s", code, err, c.stdout.String())
	}
}

func TestPlanThatIsRefused(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"POST /api/1/plans/": {`400 {"detail":"invalid payload","errors":[{"pointer":"/name","message":"it is missing"}]}`},
	})
	c, code := s.call(t, "plan", "-f", write(t, "{}"))
	if got, want := c.stderr.String(), "cmed: invalid payload\n  /name: it is missing\n"; code != exitFailure || got != want {
		t.Errorf("exit code %d and %q, want %q", code, got, want)
	}
}

func TestDryRun(t *testing.T) {
	const executors = `"name":"a plan","executors_count":1,"executors_total":3,"seed":9007199254740991,
		"executors":[{"name":"x","next_run_time":"2026-11-21T07:00:00+01:00","state":"scheduled"},
			{"name":"y","next_run_time":"2026-11-21T08:00:00+01:00","state":"blocked","reason":"quiet hours"}]`
	for _, test := range []struct{ name, targets, want string }{
		{"targets", `"targets":[{"id":"i-1","name":"web","state":"running"}],"targets_error":null`, "TARGET NAME STATE i-1 web running"},
		{"no targets", `"targets":[],"targets_error":null`, "no targets as things are now"},
		{"targets that are not told", `"targets":null,"targets_error":null`, "this attack does not tell its targets beforehand"},
		{"targets that can't be listed", `"targets":null,"targets_error":"no access"`, "the targets can't be listed now: no access"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStandIn(t, map[string][]string{"POST /api/1/plans/": {`{` + executors + `,` + test.targets + `}`}})
			c, code := s.call(t, "plan", "--dry-run", "-f", write(t, "{}"))
			if code != 0 {
				t.Errorf("exit code %d: %s", code, c.stderr.String())
			}
			got := strings.Join(strings.Fields(c.stdout.String()), " ")
			if !strings.HasPrefix(got, `dry run of "a plan": 1 executor would run, 2 would not; nothing is stored DUE STATE NAME REASON 2026-11-21T07:00:00+01:00 (`) ||
				!strings.Contains(got, ") scheduled x - 2026-11-21T08:00:00+01:00 (") || !strings.Contains(got, ") blocked y quiet hours ") ||
				!strings.Contains(got, `... and 1 more times and choices are drawn with seed 9007199254740991; `+
					`put "seed": 9007199254740991 into the plan to get the same `) || !strings.HasSuffix(got, test.want) {
				t.Errorf("it shows\n%s", c.stdout.String())
			}
			if want := "POST /api/1/plans/?dry_run=true"; s.asked[0] != want {
				t.Errorf("asked %s, want %s", s.asked[0], want)
			}
		})
	}
}
