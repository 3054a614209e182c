package cmepython

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// listed returns what is offered, by ref, and the warnings.
func (b bridge) listed(t *testing.T) (map[string]sdk.Info, string) {
	t.Helper()
	offers, warnings, err := b.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	infos := map[string]sdk.Info{}
	for _, o := range offers {
		switch o := o.(type) {
		case sdk.Attack[json.RawMessage]:
			infos[o.Ref] = o.Info
		case sdk.Planner[json.RawMessage]:
			infos[o.Ref] = o.Info
		}
	}
	return infos, strings.Join(warnings, "\n")
}

// class is the text of an attack class.
func classText(name, attributes string) string {
	return "\nclass " + name + "(Attack):\n    " + strings.ReplaceAll(attributes, "\n", "\n    ") + "\n    def run(self):\n        pass\n"
}

const preamble = "import datetime\nfrom chaosmonkey.attacks.attack import Attack\n"

const sound = `schema = {"type": "object"}` + "\n" + `example = {"ref": "x"}` + "\n"

func TestWhatAClassSaysIsOffered(t *testing.T) {
	b := newBridge(t, "attack", files{"cloud.py": `"""Attacks on clouds."""` + "\n__version__ = '1.4'\n" + preamble +
		classText("TerminateEC2Instance", `"""Ends
    an instance."""
ref = "cloud.TerminateEC2Instance"
effect = "self_limiting"
dry_run = True
env = ["SLACK_*"]
schema = {"type": "object", "properties": {"since": {"type": "string", "default": datetime.date(2020, 1, 2)}, "tags": {"enum": ("a", "b")}}}
example = {"ref": "cloud.TerminateEC2Instance", "since": datetime.datetime(2020, 1, 2, 3, 4)}`) +
		classText("Plain", "ref = 'cloud:Plain'\n"+sound)})
	infos, warnings := b.listed(t)
	if warnings != "" {
		t.Errorf("warnings %s", warnings)
	}
	got := infos["cloud:TerminateEC2Instance"]
	if got.Title != "Terminate EC2 instance" || got.Description != "Ends\nan instance." || got.Version != "1.4" ||
		got.Effect != sdk.SelfLimiting || !got.DryRun || !slices.Contains(got.Env, "SLACK_*") || !slices.Contains(got.Env, "AWS_*") ||
		!slices.Equal(got.Aliases, []string{"cloud.TerminateEC2Instance"}) {
		t.Errorf("%+v", got)
	}
	if text := string(got.Whole.Schema); !strings.Contains(text, `"2020-01-02"`) || !strings.Contains(text, `["a", "b"]`) {
		t.Errorf("schema %s", text)
	}
	if len(got.Whole.Examples) != 1 || !strings.Contains(string(got.Whole.Examples[0]), `"cloud:TerminateEC2Instance"`) || !strings.Contains(string(got.Whole.Examples[0]), `"2020-01-02T03:04:00"`) {
		t.Errorf("examples %s", got.Whole.Examples)
	}
	plain := infos["cloud:Plain"]
	if plain.Description != "Attacks on clouds." || plain.Effect != sdk.Irreversible || plain.DryRun {
		t.Errorf("%+v", plain)
	}
}

func TestWhatIsWrongWithAModuleIsAWarning(t *testing.T) {
	for _, c := range []struct{ rule, module, warning string }{
		{"a syntax error", "import os\ndef f(:\n", "m.py: it can't be imported: SyntaxError: invalid syntax (m.py, line 2)"},
		{
			"a missing library", "\nimport no_such_library.sub\n",
			"m.py: it can't be imported: ModuleNotFoundError: No module named 'no_such_library' (m.py, line 2); install no_such_library for this python3, or put it beside the module",
		},
		{"an error of its own", "x = 1/0", "m.py: it can't be imported: ZeroDivisionError: division by zero (m.py, line 1)"},
		{"it ends the process", "import sys\nsys.exit(3)", "m.py: it can't be imported: SystemExit: 3 (m.py, line 2)"},
		{"it hangs", "import time\ntime.sleep(60)", "m.py: it can't be imported within 1."},
		{"it kills the process", "import os\nos._exit(7)", "m.py: python3 ended without an answer: exit status 7"},
		{"no ref", preamble + classText("A", sound), `m.py, class A: it is not offered: it has no ref; add ref = "m:A"`},
		{"a ref that is none", preamble + classText("A", "ref = 'a b'\n"+sound), `m.py, class A: it is not offered: the ref "a b" is not of the form module:Class: it has ' ' in it; what can be are letters of ASCII, digits, '_', '-' and '.'`},
		{"a ref without a class", preamble + classText("A", "ref = 'm'\n"+sound), `m.py, class A: it is not offered: the ref "m" is not of the form module:Class`},
		{"no schema", preamble + classText("A", "ref = 'm:A'\nexample = {}"), "m.py, class A: it has no schema that is a dict: any config is accepted"},
		{"no example", preamble + classText("A", "ref = 'm:A'\nschema = {}"), "m.py, class A: it has no example"},
		{
			"a schema that JSON can't have", preamble + classText("A", "ref = 'm:A'\nschema = {'type': object}\nexample = {}"),
			"m.py, class A: its schema can't be written as JSON: a type is nothing that JSON has\nm.py, class A: it has no schema that is a dict: any config is accepted",
		},
		{
			"an example that doesn't fit", preamble + classText("A", "ref = 'm:A'\nschema = {'properties': {'n': {'type': 'integer'}}}\nexample = {'n': 'x'}"),
			"m.py, class A: its example is left out, for it does not fit the schema: /n 'x' is not of type 'integer'",
		},
		{
			"an unknown effect", preamble + classText("A", "ref = 'm:A'\neffect = 'odd'\n"+sound),
			"m.py, class A: its effect 'odd' is none of none, self_limiting, irreversible: it is taken as irreversible",
		},
		{"names that are none", preamble + classText("A", "ref = 'm:A'\nenv = ['A B']\n"+sound), "m.py, class A: its env is no list of names of environment variables"},
		{
			"two classes with one ref", preamble + classText("A", "ref = 'm:A'\n"+sound) + classText("B", "ref = 'm:A'\n"+sound),
			"m.py, class B: m.py, class A has the ref m:A too; it is offered as m:B",
		},
		{
			"a ref that is another's", preamble + classText("A", "ref = 'a:Good'\n"+sound) + classText("B", "ref = 'm:A'\n"+sound) + classText("C", "ref = 'm:A'\n"+sound),
			"m.py, class C: m.py, class B has the ref m:A too; it is offered as m:C\nm.py, class A: it is not offered: a.py, class Good has the ref a:Good too",
		},
		{
			"one that hides a module of Python's", "import xmlrpc.client\n", // the folder has an xmlrpc.py
			"m.py: it can't be imported: ModuleNotFoundError: No module named 'xmlrpc.client'; 'xmlrpc' is not a package (m.py, line 1)" +
				"; rename xmlrpc.py: it hides Python's own xmlrpc",
		},
		{
			"a name that one that hides a module lacks", "from xmlrpc import client\n",
			"m.py: it can't be imported: ImportError: cannot import name 'client' from 'xmlrpc' (FOLDER/xmlrpc.py) (m.py, line 1)" +
				"; rename xmlrpc.py: it hides Python's own xmlrpc",
		},
		{
			"one that may hide a library", "import xlib.part\n",
			"m.py: it can't be imported: ModuleNotFoundError: No module named 'xlib.part'; 'xlib' is not a package (m.py, line 1)" +
				"; xlib is xlib.py in the folder of modules: rename that if it hides another xlib",
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			b := newBridge(t, "attack", files{
				"m.py": c.module, "a.py": preamble + classText("Good", "ref = 'a:Good'\n"+sound), "xmlrpc.py": "", "xlib.py": "",
			})
			infos, warnings := b.listed(t)
			warnings = strings.ReplaceAll(warnings, b.folder, "FOLDER")
			if warnings != c.warning && (c.rule != "it hangs" || !strings.HasPrefix(warnings, c.warning)) {
				t.Errorf("got\n%s\nwant\n%s", warnings, c.warning)
			}
			if _, served := infos["a:Good"]; !served {
				t.Error("the other module is not served")
			}
		})
	}
}

func TestAWrongSchemaIsNotOffered(t *testing.T) {
	b := newBridge(t, "attack", files{"m.py": preamble + classText("A", "ref = 'm:A'\nschema = {'properties': {'n': {'type': 'integr'}}}\nexample = {}")})
	infos, warnings := b.listed(t)
	if len(infos) != 0 || !strings.HasPrefix(warnings, "m.py, class A: it is not offered: its schema is wrong: ") {
		t.Errorf("%d offers, warnings %s", len(infos), warnings)
	}
}

func TestModulesAfterOneThatHangsAreServed(t *testing.T) {
	b := newBridge(t, "attack", files{
		"a.py": "import time\ntime.sleep(60)", "b.py": "import time\ntime.sleep(60)",
		"c.py": preamble + classText("Good", "ref = 'c:Good'\n"+sound),
	})
	if infos, warnings := b.listed(t); len(infos) != 1 || strings.Count(warnings, "it can't be imported within") != 2 {
		t.Errorf("%d offers, warnings %s", len(infos), warnings)
	}
}

func TestOneThatCantBeInterruptedIsGivenUp(t *testing.T) {
	b := newBridge(t, "attack", files{
		"a.py": preamble + classText("Good", "ref = 'a:Good'\n"+sound),
		"b.py": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\nsignal.pause()",
	})
	infos, warnings := b.listed(t)
	if len(infos) != 1 || warnings != "b.py: it hangs: after 4s it and the modules after it were given up" {
		t.Errorf("%d offers, warnings %s", len(infos), warnings)
	}
}

func TestOnlyClassesOfTheModuleAreOffered(t *testing.T) {
	b := newBridge(t, "attack", files{
		"helpers.py":         preamble + "def limit():\n    return 5\n\nclass Base(Attack):\n    pass\n",
		"first.py":           preamble + "import helpers\n" + classText("First", "ref = 'first:First'\n"+sound),
		"second.py":          preamble + "from first import First\nfrom helpers import Base\n\nclass Second(Base):\n    ref = 'second:Second'\n    schema = {}\n    example = {}\n    def run(self):\n        pass\n",
		"pack/__init__.py":   "from pack.inner import Inner\n",
		"pack/inner.py":      preamble + classText("Inner", "ref = 'pack:Inner'\n"+sound),
		"first_test.py":      "raise Exception('not imported')",
		"test_first.py":      "raise Exception('not imported')",
		"test_it/it.py":      "raise Exception('not imported')",
		"_private.py":        "raise Exception('not imported')",
		".hidden.py":         "raise Exception('not imported')",
		"notes/readme.txt":   "no module",
		"chaosmonkey/old.py": "raise Exception('not imported')",
		"planner.py":         "from chaosmonkey.planners import Planner\n\nclass P(Planner):\n    ref = 'planner:P'\n",
	})
	infos, warnings := b.listed(t)
	if len(infos) != 3 || warnings != "" {
		t.Errorf("%v, warnings %s", infos, warnings)
	}
	for _, ref := range []string{"first:First", "second:Second", "pack:Inner"} {
		if _, ok := infos[ref]; !ok {
			t.Errorf("%s is not offered", ref)
		}
	}
}

// CME validated the args of a planner alone.
func TestASchemaOfAPlannersArgsIsMadeWhole(t *testing.T) {
	const head = "from chaosmonkey.planners.planner import Planner\n\nclass P(Planner):\n    ref = 'm:P'\n"
	const args = `{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}`
	const whole = `{"type": "object", "properties": {"args": {"required": ["n"]}}}`
	for _, c := range []struct{ rule, schema, example, want, shown string }{
		{
			"of the args", args, `{"n": 2}`,
			`{"type": "object", "properties": {"ref": {"type": "string"}, "args": ` + args + `}, "required": ["args"]}`, `{"ref": "m:P", "args": {"n": 2}}`,
		},
		{"whole", whole, `{"ref": "m:P", "args": {"n": 2}}`, whole, `{"ref": "m:P", "args": {"n": 2}}`},
		{"of anything", `{}`, `{}`, `{}`, `{"ref": "m:P"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := newBridge(t, "planner", files{"m.py": head + "    schema = " + c.schema + "\n    example = " + c.example + "\n"})
			infos, warnings := b.listed(t)
			got := infos["m:P"].Whole
			if warnings != "" || got == nil || !sameJSON(string(got.Schema), c.want) || len(got.Examples) != 1 || !sameJSON(string(got.Examples[0]), c.shown) {
				t.Errorf("warnings %q, offered %s", warnings, got)
			}
		})
	}
}

func TestAnExampleIsOfItsClass(t *testing.T) {
	for _, example := range []string{`{}`, `{"ref": "copied:From"}`, `{"ref": "m.A"}`, `{"ref": 5}`} {
		b := newBridge(t, "attack", files{"m.py": preamble + classText("A", "ref = 'm:A'\nschema = {}\nexample = "+example)})
		infos, warnings := b.listed(t)
		if got := infos["m:A"].Whole; warnings != "" || got == nil || len(got.Examples) != 1 || !sameJSON(string(got.Examples[0]), `{"ref":"m:A"}`) {
			t.Errorf("%s: warnings %q, offered %s", example, warnings, got)
		}
	}
}

func TestAFileThatIsNamedDifferentlyIsOfferedUnderBothNames(t *testing.T) {
	b := newBridge(t, "attack", files{
		"copy_of_a.py": preamble + classText("A", "ref = 'a:A'\n"+sound),
		"z.py":         preamble + classText("A", "ref = 'z:A'\n"+sound) + classText("B", "ref = 'b:B'\n"+sound),
		"b.py":         preamble + classText("B", "ref = 'b:B'\n"+sound),
	})
	infos, warnings := b.listed(t)
	if got := infos["a:A"].Aliases; !slices.Equal(got, []string{"a.A", "copy_of_a.A", "copy_of_a:A"}) {
		t.Errorf("aliases %q", got)
	}
	if _, ok := infos["z:B"]; !ok || warnings != "z.py, class B: b.py, class B has the ref b:B too; it is offered as z:B" || len(infos) != 4 {
		t.Errorf("%d offers, warnings %s", len(infos), warnings)
	}
}

// CME went by file and class; a class that is derived from another has its ref, too.
func TestAClassThatInheritsItsRefIsOfferedAsWhatItIs(t *testing.T) {
	returns := func(name, base, body string) string {
		return "\nclass " + name + "(" + base + "):\n    " + body + "\n    def run(self):\n        return '" + name + "'\n"
	}
	const ref = "ref = 'm:Real'; schema = {'type': 'object'}; example = {'n': 1}"
	b := newBridge(t, "attack", files{
		"m.py": preamble + returns("Base", "Attack", ref) + returns("Real", "Base", "pass") + returns("More", "Base", "pass"),
		"n.py": preamble + "import m\n" + returns("Far", "m.Base", "pass"),
	})
	infos, warnings := b.listed(t)
	// The first of them says of itself that it is another.
	if want := "m.py, class Base: m.py, class Real has the ref m:Real too; it is offered as m:Base"; warnings != want || len(infos) != 4 {
		t.Errorf("%d offers, warnings %s", len(infos), warnings)
	}
	for _, class := range []string{"m:Base", "m:Real", "m:More", "n:Far"} {
		_, name, _ := strings.Cut(class, ":")
		got := sdktest.Run(t, b.attack(t, class), nil, sdktest.Config(map[string]any{"ref": class}))
		if got.Failure != nil || string(got.Result) != `"`+name+`"` {
			t.Errorf("%s: %v, result %s", class, got.Failure, got.Result)
		}
		if w := infos[class].Whole; w == nil || len(w.Examples) != 1 || !sameJSON(string(w.Examples[0]), `{"n":1,"ref":"`+class+`"}`) && !sameJSON(string(w.Examples[0]), `{"ref":"`+class+`","n":1}`) {
			t.Errorf("%s: offered %s", class, w)
		}
	}
}

func TestAFileWithADashInItsNameIsServed(t *testing.T) {
	b := newBridge(t, "attack", files{"my-hyphen.py": preamble + "class H(Attack):\n    ref = 'my-hyphen:H'\n    schema = {}\n    example = {}\n    def run(self):\n        return 1\n"})
	infos, warnings := b.listed(t)
	if got, ok := infos["my-hyphen:H"]; !ok || warnings != "" || !slices.Equal(got.Aliases, []string{"my-hyphen.H"}) {
		t.Errorf("offered %+v, warnings %q", infos, warnings)
	}
	found := b.attack(t, "my-hyphen.H")
	found.Ref, found.Aliases = "m:A", nil // sdktest wants a name of the author's own choice
	if got := sdktest.Run(t, found, nil, sdktest.Config(map[string]any{"ref": "m:A"})); got.Failure != nil || string(got.Result) != "1" {
		t.Errorf("%v, result %s", got.Failure, got.Result)
	}
}

func TestWithoutModulesNothingIsOffered(t *testing.T) {
	b := newBridge(t, "attack", files{"notes.txt": "", "_x.py": ""})
	b.path = t.TempDir() // python3 is not needed
	for range 2 {
		if infos, warnings := b.listed(t); len(infos) > 0 || warnings != "" {
			t.Errorf("%d offers, warnings %q", len(infos), warnings)
		}
		if err := os.RemoveAll(b.folder); err != nil {
			t.Fatal(err)
		}
		if got := b.watch(); !slices.Equal(got, []string{Folder}) {
			t.Errorf("watched %q", got)
		}
	}
}

func TestWithoutPythonAWarningSaysWhatToDo(t *testing.T) {
	b := newBridge(t, "attack", files{"m.py": attackModule("pass")})
	b.path = t.TempDir()
	infos, warnings := b.listed(t)
	if len(infos) > 0 || !strings.Contains(warnings, "there is no python3 in ") || !strings.Contains(warnings, "apt-get install python3") {
		t.Errorf("%d offers, warnings %s", len(infos), warnings)
	}
}

func TestAVirtualEnvironmentInTheFolderIsUsed(t *testing.T) {
	b := newBridge(t, "attack", files{"m.py": attackModule("pass")})
	b.put(t, ".venv/bin/python3", "#!/bin/sh\nexit 4\n")
	if err := os.Chmod(filepath.Join(b.folder, ".venv/bin/python3"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, warnings := b.listed(t); warnings != "python3: python3 ended without an answer: exit status 4" {
		t.Errorf("warnings %s", warnings)
	}
}

func TestWatched(t *testing.T) {
	b := newBridge(t, "attack", files{
		"m.py": "", "data.json": "", "pack/__init__.py": "", "pack/more/x.py": "", ".venv/lib/y.py": "", "__pycache__/m.pyc": "",
	})
	got := b.watch()
	slices.Sort(got)
	var want []string
	for _, name := range []string{"", "m.py", "pack", "pack/__init__.py", "pack/more", "pack/more/x.py"} {
		want = append(want, filepath.Join(Folder, name))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	linked := bridge{folder: filepath.Join(t.TempDir(), Folder)}
	if err := os.Symlink(b.folder, linked.folder); err != nil {
		t.Fatal(err)
	}
	if got := linked.watch(); len(got) != len(want) {
		t.Errorf("of a linked folder: %q", got)
	}
}
