package targeting

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

func TestArgsAreChecked(t *testing.T) {
	negative, zero := -1, 0
	for _, c := range []struct {
		name string
		args Args
		want string // empty: they are fine
	}{
		{"no args at all", Args{}, ""},
		{"percent with at_least", Args{Percent: 10, AtLeast: &zero}, ""},
		{"a region", Args{Region: "us-gov-west-1"}, ""},
		{"an unknown provider", Args{Provider: "moon"}, `unknown provider "moon"; known are bare, cloud`},
		{"a region where there are none", Args{Provider: "bare", Region: "eu-west-1"}, "the provider bare has no regions; leave region out"},
		{"a region that leads to another host", Args{Region: "x.example.com/"}, `"x.example.com/" is not a region such as eu-west-1`},
		{"a negative count", Args{Count: -1}, "the count is -1, and must be 1 or more"},
		{"too many percents", Args{Percent: 101}, "percent is 101, and must be more than 0 and at most 100"},
		{"negative percents", Args{Percent: -0.5}, "percent is -0.5, and must be more than 0 and at most 100"},
		{"a count and percents", Args{Count: 1, Percent: 1}, "count and percent are both given; leave one of them out"},
		{"a negative at_least", Args{Percent: 1, AtLeast: &negative}, "at_least is -1, and must be 0 or more"},
		{"at_least alone", Args{AtLeast: &zero}, "at_least bounds percent, which is not given"},
		{"at_least with a count", Args{Count: 1, AtLeast: &zero}, "at_least bounds percent, which is not given"},
	} {
		got := ""
		if err := of(&scripted{}).Check(c.args); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestAnEnvironmentThatLacksSomethingIsAWarning(t *testing.T) {
	const want = "as things are now, every run will fail: bare: nothing is set; set BARE"
	warnings, err := of(&scripted{}).Warnings(t.Context(), Args{Provider: "bare"})
	if err != nil || len(warnings) != 1 || warnings[0] != want {
		t.Errorf("%q, %v", warnings, err)
	}
	if warnings, err = of(&scripted{}).Warnings(t.Context(), Args{}); err != nil || warnings != nil {
		t.Errorf("%q, %v", warnings, err)
	}
}

// It may have passed by the time of the run: the plan is made all the same.
func TestWhatMayPassIsAWarning(t *testing.T) {
	for name, open := range map[string]compute.Opener{
		"expired credentials": func(context.Context, compute.Options) (compute.Driver, error) {
			return nil, &compute.Error{Kind: compute.ErrNotAllowed, Operation: "AssumeRole", Message: "the token has expired"}
		},
		"a source of credentials that gives no answer": func(ctx context.Context, _ compute.Options) (compute.Driver, error) {
			deadline, bounded := ctx.Deadline()
			if left := time.Until(deadline); !bounded || left > 5*time.Second {
				t.Errorf("it may take %s", left)
			}
			return nil, &compute.Error{Kind: compute.ErrUnreachable, Operation: "AWS credentials", Message: "none within 4s"}
		},
	} {
		targeting := Targeting{Default: "x", Providers: compute.Providers{"x": open}}
		warnings, err := targeting.Warnings(t.Context(), Args{})
		if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "as things are now, every run will fail: A") {
			t.Errorf("%s: %q, %v", name, warnings, err)
		}
	}
}

// checking is a driver that knows its filters.
type checking struct{ scripted }

func (*checking) CheckFilters(filters compute.Filters) error {
	for name := range filters {
		if name != "name" {
			return &compute.Error{Kind: compute.ErrBadFilter, Operation: "List", Message: "there is no filter " + name}
		}
	}
	return nil
}

func TestAFilterThatTheProviderDoesNotKnowIsRefused(t *testing.T) {
	good, bad := compute.Filters{"name": {"a"}}, compute.Filters{"name": {"a"}, "nmae": {"a"}}
	for _, c := range []struct {
		args Args
		want string // empty: they are fine
	}{
		{Args{Filters: good, Excluded: good}, ""},
		{Args{Filters: bad, Excluded: good}, "List: there is no filter nmae"},
		{Args{Filters: good, Excluded: bad}, "the excluded: List: there is no filter nmae"},
	} {
		warnings, err := of(&checking{}).Warnings(t.Context(), c.args)
		if len(warnings) != 0 || (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, compute.ErrBadFilter) || err.Error() != c.want) {
			t.Errorf("%v: %q, %v", c.args, warnings, err)
		}
	}
}

func TestSchemaOfArgs(t *testing.T) {
	doc, err := schema.For[Args]()
	if err != nil {
		t.Fatal(err)
	}
	var tree struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal(doc, &tree); err != nil {
		t.Fatal(err)
	}
	for name, property := range tree.Properties {
		if !strings.HasSuffix(property.Description, ".") {
			t.Errorf("%s is described as %q", name, property.Description)
		}
	}
	s, err := schema.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{
		`{}`,
		`{"filters": {"tag:Chaos": "true"}}`,
		`{"filters": {"instance-state-name": ["running", "stopped"]}, "region": "eu-west-1"}`,
		`{"filters": {"tag:Chaos": "true"}, "excluded": {"availability-zone": "eu-west-1"}}`,
		`{"percent": 0.5, "at_least": 0, "allow_all": true, "allow_empty": true, "dry_run": true}`,
		`{"count": 10000, "provider": "docker"}`,
	} {
		var args Args
		if violations := s.Validate([]byte(good)); violations != nil {
			t.Errorf("%s: %v", good, violations)
		} else if err := json.Unmarshal([]byte(good), &args); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		`{"filters": {"a": []}}`, `{"filters": {"a": 1}}`, `{"filters": {"a": [null]}}`, `{"filters": []}`, `{"excluded": "a"}`,
		`{"count": 0}`, `{"count": 1.5}`, `{"percent": 0}`, `{"percent": 101}`, `{"at_least": -1}`, `{"at_least": null}`,
		`{"region": ""}`, `{"region": "a.b"}`, `{"region": "EU"}`, `{"endpoint": "http://a"}`, `{"dry_run": "yes"}`,
	} {
		if s.Validate([]byte(bad)) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
