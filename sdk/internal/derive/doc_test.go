package derive_test

import (
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/internal/derive"
)

// documented are the types that docs/authors/schema.md names.
var documented = map[string]reflect.Type{
	"string": reflect.TypeFor[string](), "bool": reflect.TypeFor[bool](), "int": reflect.TypeFor[int](), "uint": reflect.TypeFor[uint](),
	"uint8": reflect.TypeFor[uint8](), "float64": reflect.TypeFor[float64](), "*int": reflect.TypeFor[*int](),
	"[]string": reflect.TypeFor[[]string](), "[]int": reflect.TypeFor[[]int](), "[]byte": reflect.TypeFor[[]byte](), "[2]int": reflect.TypeFor[[2]int](),
	"map[string]int": reflect.TypeFor[map[string]int](), "map[string]string": reflect.TypeFor[map[string]string](),
	"map[string]any": reflect.TypeFor[map[string]any](), "map[int]string": reflect.TypeFor[map[int]string](),
	"any": reflect.TypeFor[any](), "json.RawMessage": reflect.TypeFor[json.RawMessage](), "json.Number": reflect.TypeFor[json.Number](),
	"time.Time": reflect.TypeFor[time.Time](), "netip.Addr": reflect.TypeFor[netip.Addr](), "sdk.Duration": reflect.TypeFor[sdk.Duration](),
}

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/authors/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	ruleRow   = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| `({[^`]*})` \\|")
	typeRow   = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `({[^`]*})` \\|$")
	hintRow   = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `({[^`]*})` \\| ")
	widgetRow = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| [^`]")
)

// Every row of the page's tables is what comes out, and every key has one.
func TestPageOfTheTags(t *testing.T) {
	text := page(t)
	said := map[string]bool{}
	rows := ruleRow.FindAllStringSubmatch(text, -1)
	for _, row := range rows {
		for entry := range strings.SplitSeq(strings.ReplaceAll(row[1], `\\,`, ""), ",") {
			key, _, _ := strings.Cut(entry, "=")
			said[key] = true
		}
		compare(t, row[2], `json:"a,omitempty" jsonschema:"`+row[1]+`"`, row[3], false)
	}
	if missing := without(derive.RuleNames, said); len(missing) > 0 {
		t.Errorf("no row for %s", missing)
	}
	types := typeRow.FindAllStringSubmatch(text, -1)
	for _, row := range types {
		compare(t, row[1], `json:"a"`, row[2], false)
	}
	hints := hintRow.FindAllStringSubmatch(text, -1)
	for _, row := range hints {
		compare(t, map[bool]string{true: "string", false: "int"}[strings.Contains(row[1], "textarea")], `json:"a" ui:"`+row[1]+`"`, row[2], true)
		key, _, _ := strings.Cut(row[1], "=")
		said[key] = true
	}
	if missing := without(derive.HintNames, said); len(missing) > 0 {
		t.Errorf("no row for %s", missing)
	}
	if len(rows) < 30 || len(types) < 17 || len(hints) < 4 {
		t.Errorf("the tables have %d, %d and %d rows that are checked", len(rows), len(types), len(hints))
	}
	var widgets []string
	for _, row := range widgetRow.FindAllStringSubmatch(text, -1) {
		widgets = append(widgets, row[1])
	}
	if slices.Sort(widgets); !slices.Equal(widgets, derive.WidgetNames) {
		t.Errorf("the page has the widgets %s, there are %s", widgets, derive.WidgetNames)
	}
	for _, format := range slices.Sorted(maps.Keys(derive.Formats)) {
		if !strings.Contains(text, "`"+format+"`") {
			t.Errorf("no format %s on the page", format)
		}
	}
}

func without(all []string, said map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(all), func(key string) bool { return said[key] })
}

// compare derives a property and compares it, or its hints, with what the page
// says. In a type of its own a pattern too long for the page is "…".
func compare(t *testing.T, typ, tag, want string, hints bool) {
	t.Helper()
	field, known := documented[typ]
	if !known {
		t.Errorf("a type that the test doesn't know: %s", typ)
		return
	}
	doc, err := derive.Member(field, tag)
	if err != nil {
		t.Errorf("%s %s: %v", typ, tag, err)
		return
	}
	var derived struct{ Properties map[string]map[string]any }
	if err := json.Unmarshal(doc, &derived); err != nil {
		t.Fatal(err)
	}
	got := derived.Properties["a"]
	if hints {
		got, _ = got["x-ui"].(map[string]any)
	}
	delete(got, "x-ui")
	var expected map[string]any
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		t.Errorf("%s: %v", want, err)
		return
	}
	if expected["pattern"] == "…" && got["pattern"] != nil {
		expected["pattern"] = got["pattern"]
	}
	if !reflect.DeepEqual(got, expected) {
		t.Errorf("%s `%s`\n got %v\nwant %v", typ, tag, got, expected)
	}
}
