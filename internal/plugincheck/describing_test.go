//go:build linux

package plugincheck

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// describingTables leave out what calls the plugin: it is slow, and not what is
// tested here.
func describingTables(engine.Kind) [][]check {
	return [][]check{refChecks, schemaChecks, exampleChecks}
}

// Each fault is found by the check that is meant for it, and by no other.
func TestDescribing(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"fit":     "",
		"sdk-fit": "version", // it has none when it is built in a test

		"describe-hangs":            "describe-argument: it did not describe itself within",
		"describe-prints-nothing":   "describe-argument: it ends without describing itself",
		"describe-by-rpc-only":      "describe-argument: it ends without describing itself",
		"describe-prints-text":      `describe-argument: it prints something that is not a description: "offers much`,
		"describe-exits-with-3":     "describe-exit: it describes itself, but",
		"describe-greets":           `describe-clean: before the description it prints "loading {everything}"`,
		"describe-takes-leave":      `describe-clean: after the description it prints "bye"`,
		"describe-slow":             `describe-quick: called with "describe" it takes 2.`,
		"describe-misspelt":         `describe-members: unknown field "exampels"`,
		"protocol-99":               "protocol: it speaks version 99; this daemon speaks 1",
		"protocol-unsaid":           "protocol: its description does not say which",
		"describe-changes":          `describe-same: called with "describe" it says at "/offers/0/title" "Makes a file `,
		"describe-ways-differ":      `describe-same: called with "describe" it says at "/offers/1" {`,
		"describe-crashes":          "describe-rpc: its process ended without an answer: it exited with code 2; its last words: panic: not now",
		"describe-writes":           "describe-harmless: it tries to change /",
		"describe-connects":         "describe-harmless: it tries to use the network (192.0.2.1:80)",
		"describe-starts-a-process": "describe-leftovers: it leaves running: /bin/sleep 60",
		"describe-prints-late":      `describe-stdout: it prints "what do I offer?`,
		"serve-greets":              "handshake: it ",
		"no-sdk":                    "sdk: the description has no sdk",
		"offers-nothing":            "offers: its description has no offers",
		"warns":                     "offers-all: it warns: old.py: no module named boto",

		"ref-without-colon":     `ref: "unfit" is no ref`,
		"ref-twice":             "ref: the file offers it 2 times",
		"kind-unknown":          `kind: its kind is "probe" | describe-rpc: Describe: unfit:Attack: kind "probe" is neither`,
		"alias-malformed":       `aliases: "my attack" can't be an alias`,
		"alias-is-a-ref":        "aliases: its alias unfit:Attack is also that of unfit:Attack",
		"no-title":              "title: it has none",
		"title-of-two-lines":    "title: its title has several lines",
		"title-long":            "title: its title has more than 80 characters",
		"no-description":        "description: it has none",
		"no-version":            "version: it says none",
		"undoable-without-undo": "effect: it says that its effect is undoable, but it has no undo",
		"undo-of-no-effect":     "effect: it says that it has no effect, but it has an undo",
		"effect-unsaid":         "effect: it says no effect, so a daemon takes it for irreversible",
		"planner-with-undo":     "effect: it is a planner, but says that it can undo",
		"planner-with-effect":   `effect: it is a planner, but says that its effect is "irreversible"`,
		"asks-for-path":         "env: it asks for PATH, which cmed sets itself",
		"asks-for-everything":   "env: it asks for all variables there are",
		"asks-for-nonsense":     `env: "MY-VARIABLE" is not the name of an environment variable`,

		"schema-absent":           "schema-object: it takes [] too | schema-closed: it takes its first example also with",
		"schema-required-inside":  "schema: schema: /properties/args/properties/note/required must be a list of names",
		"schema-of-anything":      "schema-object: it takes [] too",
		"schema-of-bare-args":     "schema-object: it has neither the property ref nor args | schema-closed: ",
		"schema-open":             "schema-closed: it takes its first example also with /args/an_argument_nobody_knows added",
		"argument-undescribed":    "property-descriptions: /args/note has no description",
		"default-misfit":          "schema-values: the value at /properties/args/properties/count/default breaks a rule beside it: 9",
		"widget-unknown":          `schema-hints: the x-ui at /properties/args/properties/count: there is no widget "nmber"`,
		"hint-misspelt":           "schema-hints: the x-ui at /properties/args/properties/count: it is not {order, group, widget, unit}",
		"secret-unmarked":         "secrets-marked: /args/api_key is not writeOnly",
		"secret-in-list-unmarked": "secrets-marked: /args/logins/*/dbPassword is not writeOnly",
		"secret-with-default":     "secrets-shown: /properties/args/properties/token/default in the schema shows a value",
		"secrets-well-kept":       "",
		"example-absent":          "example: it has none",
		"example-misfit":          "example-valid: example 2: /args/note: 5 is not of type 'string'",
		"example-of-another":      `example-ref: the ref of example 1 is "fit:Attack"`,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := checkOnly(t, unfit(t, fault), describingTables)
			expectFailures(t, r, want)
		})
	}
}

// expectFailures compares what failed with "check: beginning of its message | …".
func expectFailures(t *testing.T, r *Report, want string) {
	t.Helper()
	var ids []string
	if want != "" {
		for wanted := range strings.SplitSeq(want, " | ") {
			id, message, _ := strings.Cut(wanted, ": ")
			ids = append(ids, id)
			if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
				return f.Check == id && f.Outcome == Failed && strings.HasPrefix(f.Message, message) && f.Hint != ""
			}) {
				t.Errorf("%s did not fail with %q", id, message)
			}
		}
	}
	slices.Sort(ids)
	if got := failures(r); !slices.Equal(got, ids) {
		t.Errorf("failed: %q, want %q", got, ids)
	}
	if r.Fit() != (want == "") {
		t.Errorf("fit: %t", r.Fit())
	}
	if t.Failed() {
		explain(t, r)
	}
}

// checkOnly checks a plugin with the tables given for each kind, besides those of
// the whole plugin.
func checkOnly(t *testing.T, path string, tables func(engine.Kind) [][]check) *Report {
	t.Helper()
	o, err := Options{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	tr, err := open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tr.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := tr.examine(t.Context()); err != nil {
		t.Fatal(err)
	}
	tr.makeAll(context.WithoutCancel(t.Context()), tables)
	return tr.report
}

// failures are the ids of the checks that failed, each once, sorted.
func failures(r *Report) []string {
	ids := []string{}
	for _, f := range r.Findings {
		if f.Outcome == Failed {
			ids = append(ids, f.Check)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// explain logs what failed, and how.
func explain(t *testing.T, r *Report) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Outcome == Failed {
			t.Logf("%s %s: %s", f.Check, f.Ref, f.Message)
		}
	}
}
