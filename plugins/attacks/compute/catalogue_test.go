package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// described has the plugin describe itself.
func described(t *testing.T) map[string]pluginv1.Offer {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, pluginv1.DescribeArg)
	command.Env = []string{envServe + "=1"}
	text, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var d pluginv1.Description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	offers := map[string]pluginv1.Offer{}
	for _, o := range d.Offers {
		offers[o.Ref] = o
	}
	return offers
}

func TestCatalogue(t *testing.T) {
	offers := described(t)
	for ref, effect := range map[string]string{
		terminateRef: "irreversible",
		"terminate_ec2_instance:TerminateEC2InstanceNotExcluded": "irreversible",
		stopRef: "undoable", rebootRef: "self_limiting", killRef: "undoable",
		"stop_container:StopContainer": "undoable", pauseRef: "undoable",
	} {
		o, ok := offers[ref]
		if !ok || o.Effect != effect || o.CanUndo != (effect == "undoable") || !o.CanDryRun || !o.CanListTargets || !o.CanCheck || o.Title == "" {
			t.Errorf("%s: %+v", ref, o)
			continue
		}
		s, err := schema.Compile(o.Schema)
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range o.Examples {
			if violations := s.Validate(example); violations != nil {
				t.Errorf("%s: %s: %v", ref, example, violations)
			}
		}
		if len(o.Examples) == 0 {
			t.Errorf("%s has no example", ref)
		}
		for name, text := range properties(t, o) {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s is described as %q", ref, name, text)
			}
		}
	}
	alias := "terminate_ec2_instance_not_excluded:TerminateEC2InstanceNotExcluded"
	if !slices.Equal(offers["terminate_ec2_instance:TerminateEC2InstanceNotExcluded"].Aliases, []string{alias}) || len(offers) != 7 {
		t.Errorf("%d offers, %v", len(offers), offers)
	}
}

// properties returns the descriptions of the args.
func properties(t *testing.T, o pluginv1.Offer) map[string]string {
	t.Helper()
	var tree struct {
		Properties struct {
			Args struct {
				AdditionalProperties any
				Properties           map[string]struct{ Description string }
			}
		}
	}
	if err := json.Unmarshal(o.Schema, &tree); err != nil {
		t.Fatal(err)
	}
	if tree.Properties.Args.AdditionalProperties != false {
		t.Errorf("%s takes args that it doesn't know", o.Ref)
	}
	texts := map[string]string{}
	for name, p := range tree.Properties.Args.Properties {
		texts[name] = p.Description
	}
	return texts
}

func TestSchemas(t *testing.T) {
	offers := described(t)
	const notExcluded = "terminate_ec2_instance:TerminateEC2InstanceNotExcluded"
	for _, c := range []struct {
		rule, ref, args string
		want            bool
	}{
		{"the quickstart's args", terminateRef, `{"filters": {"instance-state-name": "running"}}`, true},
		{"the documented args", terminateRef, `{"filters": {"tag:Chaos": "true"}}`, true},
		{"the documented args of the API", terminateRef, `{"region": "eu-west-1", "filters": {"tag:Name": "playground-asg"}}`, true},
		{"the documented exclusion", notExcluded, `{"filters": {"tag:Chaos": "true"}, "excluded": {"availability-zone": "eu-west-1"}}`, true},
		{"an exclusion is needed", notExcluded, `{"filters": {"tag:Chaos": "true"}}`, false},
		{"an exclusion says something", notExcluded, `{"filters": {}, "excluded": {}}`, false},
		{"an exclusion is taken elsewhere", terminateRef, `{"filters": {}, "excluded": {"tag:Domain": "a"}}`, true},
		{"a provider", terminateRef, anybody(`{"provider": "docker"}`), true},
		{"an unknown provider", terminateRef, anybody(`{"provider": "azure"}`), false},
		{"containers have no provider", killRef, anybody(`{"provider": "docker"}`), false},
		{"containers have no region", pauseRef, anybody(`{"region": "eu-west-1"}`), false},
		{"what is terminated can't be undone", terminateRef, anybody(`{"undo_after": "1m"}`), false},
		{"a stop can", stopRef, anybody(`{"undo_after": "1m", "wait": 0}`), true},
		{"a reboot doesn't wait", rebootRef, anybody(`{"wait": "1m"}`), false},
		{"a pause removes nothing", pauseRef, anybody(`{"allow_removal": true}`), false},
		{"a kill may", killRef, anybody(`{"allow_removal": true, "wait": "0s"}`), true},
		{"filters are needed to terminate", terminateRef, `{}`, false},
		{"filters are needed to stop", stopRef, `{}`, false},
		{"filters are needed to reboot", rebootRef, `{}`, false},
		{"filters are needed to kill", killRef, `{}`, false},
		{"filters are needed to pause", pauseRef, `{}`, false},
		{"filters are no list of nothing", terminateRef, `{"filters": null}`, false},
		{"filters that are misspelt are none", terminateRef, `{"filter": {"tag:Chaos": "true"}}`, false},
		{"empty filters mean every node", terminateRef, `{"filters": {}}`, true},
	} {
		s, err := schema.Compile(offers[c.ref].Schema)
		if err != nil {
			t.Fatal(err)
		}
		if violations := s.Validate(config(c.ref, c.args)); (violations == nil) != c.want {
			t.Errorf("%s: %v", c.rule, violations)
		}
	}
}

func TestCheck(t *testing.T) {
	plugin := launch(t, put(t, cloud{}))
	for _, c := range []struct{ rule, ref, args, pointer, failure, warning string }{
		{"fine", terminateRef, `{"count": 2}`, "", "", ""},
		{"a count and percents", terminateRef, `{"count": 2, "percent": 5}`, "/args/percent", "count and percent are both given; leave one of them out", ""},
		{"docker has no regions", stopRef, `{"provider": "docker", "region": "eu-west-1"}`, "/args/region", "the provider docker has no regions; leave region out", ""},
		{"an undo at once", killRef, `{"undo_after": 0}`, "/args/undo_after", "undo_after is 0, and must be more than 0", ""},
		{"an unknown filter", killRef, `{"filters": {"color": "red"}}`, "/args/filters", "list: there is no filter color", ""},
		{"an unknown filter among the excluded", killRef, `{"excluded": {"color": "red"}}`, "/args/excluded", "the excluded: list: there is no filter color", ""},
		{
			"what the environment lacks", rebootRef, `{"region": "nowhere"}`, "", "",
			"as things are now, every run will fail: cloud: there is no such region",
		},
	} {
		answer, err := plugin.Check(t.Context(), &pluginv1.CheckRequest{Ref: c.ref, Config: config(c.ref, anybody(c.args))})
		if err != nil {
			t.Fatal(err)
		}
		if f := answer.GetFailure(); f.GetPointer() != c.pointer || f.GetMessage() != c.failure {
			t.Errorf("%s: failure %v", c.rule, f)
		}
		if w := strings.Join(answer.GetWarnings(), "; "); w != c.warning {
			t.Errorf("%s: warnings %s", c.rule, w)
		}
	}
}
