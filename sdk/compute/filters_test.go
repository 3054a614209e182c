package compute

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestValuesAreATextOrAList(t *testing.T) {
	for doc, want := range map[string]Values{`"a"`: {"a"}, `["a"]`: {"a"}, `["a","b"]`: {"a", "b"}, `""`: {""}} {
		var got Values
		if err := json.Unmarshal([]byte(doc), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is read as %q, %v", doc, got, err)
		}
	}
	for _, doc := range []string{`[]`, `1`, `true`, `null`, `{}`, `[1]`, `["a",null]`, `[["a"]]`} {
		var got Values
		if err := json.Unmarshal([]byte(doc), &got); err == nil {
			t.Errorf("%s is read as %q", doc, got)
		}
	}
}

func TestASingleValueIsWrittenAsText(t *testing.T) {
	doc, err := json.Marshal(Filters{"a": {"1"}, "b": {"1", "2"}})
	if want := `{"a":"1","b":["1","2"]}`; err != nil || string(doc) != want {
		t.Errorf("%s, %v", doc, err)
	}
}
