package docs_test

import (
	"fmt"
	"go/constant"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func protocolPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section returns the part of a page under a heading.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, part, found := strings.Cut(page, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("there is no section %q", heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	return part
}

// paragraph returns the lines of a page on which a message is explained: those
// with its name in bold.
func paragraph(page, message string) string {
	var lines []string
	for line := range strings.SplitSeq(page, "\n") {
		if strings.Contains(line, "**`"+message+"`**") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// Every call, message, field and value of the protocol is explained.
func TestTheProtocolPageIsComplete(t *testing.T) {
	page := protocolPage(t)
	file := pluginv1.File_sdk_pluginv1_plugin_proto
	calls := file.Services().Get(0).Methods()
	for i := range calls.Len() {
		call := calls.Get(i)
		want := fmt.Sprintf("| `%s` | %s → %s |", call.Name(), streamed(call.Input(), call.IsStreamingClient()), streamed(call.Output(), call.IsStreamingServer()))
		if !strings.Contains(page, want) {
			t.Errorf("there is no row %s", want)
		}
	}
	for i := range file.Messages().Len() {
		message := file.Messages().Get(i)
		text := paragraph(page, string(message.Name()))
		if text == "" && message.Fields().Len() > 0 {
			t.Errorf("the message %s is not explained", message.Name())
			continue
		}
		for j := range message.Fields().Len() {
			if field := message.Fields().Get(j).Name(); !strings.Contains(text, "`"+string(field)+"`") {
				t.Errorf("the field %s of %s is not explained", field, message.Name())
			}
		}
	}
	for i := range file.Enums().Len() {
		values := file.Enums().Get(i).Values()
		if !strings.Contains(page, "**`"+string(file.Enums().Get(i).Name())+"`**") {
			t.Errorf("the enum %s is not explained", file.Enums().Get(i).Name())
		}
		for j := range values.Len() {
			if name := values.Get(j).Name(); !strings.Contains(page, "`"+string(name)+"`") {
				t.Errorf("the value %s is not explained", name)
			}
		}
	}
}

func streamed(m protoreflect.MessageDescriptor, stream bool) string {
	if stream {
		return fmt.Sprintf("stream of `%s`", m.Name())
	}
	return fmt.Sprintf("`%s`", m.Name())
}

// rows returns the first cells of the tables in a text, without their code marks.
func rows(text string) []string {
	var cells []string
	for _, m := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(text, -1) {
		for cell := range strings.SplitSeq(m[1], ", ") {
			cells = append(cells, strings.Trim(cell, "`"))
		}
	}
	return cells
}

// The tables of the description have all members of its JSON form, and no others.
func TestTheProtocolPageHasTheDescription(t *testing.T) {
	var want []string
	for _, form := range []reflect.Type{reflect.TypeFor[pluginv1.Description](), reflect.TypeFor[pluginv1.Offer]()} {
		for field := range form.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			want = append(want, name)
		}
	}
	got := rows(section(t, protocolPage(t), "The describe argument"))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the tables have the members\n%v, the description has\n%v", got, want)
	}
}

// Every variable that the code names is in the table, and no other of ours.
func TestTheProtocolPageHasTheEnvironment(t *testing.T) {
	var want []string
	for name, value := range constantsOf(t, "../sdk/pluginv1") {
		if strings.HasPrefix(name, "Env") || name == "CookieKey" {
			want = append(want, constant.StringVal(value))
		}
	}
	text := section(t, protocolPage(t), "Environment")
	var got []string
	for _, name := range rows(text) {
		if strings.HasPrefix(name, "CMED_") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the table has %v, the code %v", got, want)
	}
	host := constantsOf(t, "../internal/host")
	for _, value := range []string{pluginv1.CookieValue, constant.StringVal(host["searchPath"])} {
		if !strings.Contains(text, "`"+value+"`") {
			t.Errorf("%s is not in there", value)
		}
	}
}

// The bounds are those of the code: none is missing here, none is wrong.
func TestTheProtocolPageHasTheBounds(t *testing.T) {
	host, engine, sdk := constantsOf(t, "../internal/host"), constantsOf(t, "../internal/engine"), constantsOf(t, "../sdk/pluginv1")
	config, settings := defaultsOf(t, "../internal/host/config.go"), defaultsOf(t, "../internal/engine/settings.go")
	duration := func(v constant.Value) string {
		n, _ := constant.Int64Val(v)
		return spoken(time.Duration(n))
	}
	want := map[string]string{
		"describing, in each of the two ways":                           duration(config["DescribeTimeout"]),
		"from the start to the handshake":                               duration(config["StartTimeout"]),
		"`Plan`, `Targets` or `Check`, start included":                  duration(config["PlanTimeout"]),
		"from Stop to SIGTERM, and after the lifeline (`--stop-grace`)": duration(config["Grace"]),
		"from SIGTERM to SIGKILL":                                       duration(config["TermGrace"]),
		"from the last answer to the exit":                              duration(host["exitPatience"]),
		"one attempt at an undo (`--undo-timeout`)":                     duration(settings["UndoTimeout"]),
		"attempts at an undo (`--undo-attempts`)":                       count(settings["UndoAttempts"]),
		"a message, either way":                                         size(sdk["MaxMessage"]),
		"the handshake line":                                            size(host["maxHandshake"]),
		"a description":                                                 size(host["maxDescription"]),
		"offers of a file":                                              count(sdk["MaxOffers"]),
		"files and folders a file watches, its offers' included":        count(sdk["MaxWatched"]),
		"executions of a plan":                                          count(host["maxExecutions"]),
		"warnings of a plan or a check":                                 count(host["maxWarnings"]),
		"targets of a list or a run":                                    count(engine["MaxTargets"]),
		"undo records of a run":                                         count(engine["MaxUndoRecords"]),
		"an undo record":                                                size(engine["MaxUndoRecord"]),
		"a result":                                                      size(engine["MaxResult"]),
		"the message of a log entry, a failure or an answer; a stack; a warning":     size(host["maxText"]),
		"the fields of a log entry, the detail of a target":                          size(host["maxText"]),
		"any other text: names, states, descriptions of records, pointers, progress": size(host["maxShort"]),
		"standard error of a run in its log":                                         size(host["outputCap"]),
		"a line of standard error":                                                   size(host["maxLine"]),
	}
	text := section(t, protocolPage(t), "Bounds")
	for _, row := range regexp.MustCompile(`(?m)^\| (.*) \| (.*) \| (.*) \|$`).FindAllStringSubmatch(text, -1)[1:] {
		if want[row[1]] != row[2] {
			t.Errorf("%s: the page says %q, the code %q", row[1], row[2], want[row[1]])
		}
		delete(want, row[1])
	}
	for what := range want {
		t.Errorf("the table does not have %s", what)
	}
	if tail := "the last " + size(host["outputTail"]); !strings.Contains(text, tail) {
		t.Errorf("of standard error the page does not say %q", tail)
	}
	if pause := duration(engine["longestUndoPause"]); pause != "1 min" || !strings.Contains(protocolPage(t), "up to a minute") {
		t.Errorf("the longest pause between undos is %s", pause)
	}
}

// spoken is a duration as the page writes it.
func spoken(d time.Duration) string {
	switch {
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d ms", d/time.Millisecond)
}

func size(v constant.Value) string {
	n, _ := constant.Int64Val(v)
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

func count(v constant.Value) string {
	digits := v.ExactString()
	if len(digits) > 3 {
		return digits[:len(digits)-3] + "," + digits[len(digits)-3:]
	}
	return digits
}

// The page's own links lead somewhere.
func TestTheProtocolPagesLinks(t *testing.T) {
	page := protocolPage(t)
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		switch path, anchor, _ := strings.Cut(link[1], "#"); {
		case strings.HasPrefix(path, "https:"):
		case path != "":
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		default:
			heading := regexp.MustCompile(`(?mi)^## ` + strings.ReplaceAll(anchor, "-", ",? ") + `$`)
			if !heading.MatchString(page) {
				t.Errorf("there is no section #%s", anchor)
			}
		}
	}
}
