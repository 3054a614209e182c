package pluginv1

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
)

// FuzzDescription checks that what a plugin prints is read or refused, whatever
// it is, and that printed and asked it says the same.
func FuzzDescription(f *testing.F) {
	for _, text := range []string{
		`{"protocol":1,"sdk":"x/1","offers":[{"ref":"a:B","kind":"attack","schema":{"type":"object"},"examples":[{"ref":"a:B"}],
			"effect":"undoable","can_undo":true,"can_dry_run":true,"can_list_targets":true,"env":["AWS_*"],"watch":["x"],"aliases":["c:D"]}]}`,
		`{"protocol":1,"offers":[],"watch":["modules","/etc/x"],"warnings":["bad.py: it is bad",""]}`,
		`{"offers":[{"kind":"planner"}]}`, `{"offers":[{"kind":"probe"}]}`, `{"offers":[{"kind":"attack","effect":"big"}]}`, `{"offers":null}`, `[]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var printed Description
		if json.Unmarshal(text, &printed) != nil {
			return
		}
		response, err := printed.Response()
		if err != nil {
			if knowsAll(printed) {
				t.Fatalf("%s is refused: %v", text, err)
			}
			return
		}
		again, err := response.Describe().Response()
		if err != nil {
			t.Fatalf("%s: asked, it is refused: %v", text, err)
		}
		if !proto.Equal(response, again) {
			t.Fatalf("printed %v\nasked   %v", response, again)
		}
	})
}

// What is said of the plugin as a whole is there however it is asked for.
func TestDescriptionOfTheWhole(t *testing.T) {
	said := Description{
		Protocol: Version, SDK: "x/1", Offers: []Offer{}, Watch: []string{"modules", "/etc/x"}, Warnings: []string{"bad.py: it is bad"},
	}
	response, err := said.Response()
	if err != nil {
		t.Fatal(err)
	}
	if asked := response.Describe(); !reflect.DeepEqual(asked, said) {
		t.Errorf("asked %+v, said %+v", asked, said)
	}
	doc, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"protocol":1,"sdk":"x/1","offers":[],"watch":["modules","/etc/x"],"warnings":["bad.py: it is bad"]}`
	if string(doc) != want {
		t.Errorf("printed %s, want %s", doc, want)
	}
}

// knowsAll says whether every kind and effect is a known one.
func knowsAll(d Description) bool {
	return !slices.ContainsFunc(d.Offers, func(o Offer) bool {
		_, kind := kinds[o.Kind]
		_, effect := effects[o.Effect]
		return !kind || !effect
	})
}
