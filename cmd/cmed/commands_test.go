package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// team is a daemon with a few plugins, and who works with it.
type team struct {
	t      *testing.T
	home   home
	daemon *call
	url    string
	config string // a person's configuration
}

func newTeam(t *testing.T) *team {
	t.Helper()
	h := newHome(t)
	goBuild(t, h.attacks+"/testplugin", "../../internal/e2e/testplugin")
	goBuild(t, h.planners+"/exact_planner", "../../plugins/planners/exact_planner")
	d := begin(t, h.args("-t", "UTC")...)
	return &team{t: t, home: h, daemon: d, url: d.ready(t), config: t.TempDir()}
}

// admin calls cmed over the daemon's socket.
func (m *team) admin(args ...string) outcome {
	m.t.Helper()
	return callWith(m.t, []string{"CMED_SERVER=unix:" + m.home.socket()}, "", args...)
}

// with calls cmed over TCP with the key of a file.
func (m *team) with(key string, args ...string) outcome {
	m.t.Helper()
	return callWith(m.t, []string{"CMED_SERVER=" + m.url}, "", append(args, "--key-file", key)...)
}

// wants fails the test unless a call ended as it should, with the words in what it
// said.
func (m *team) wants(o outcome, code int, words ...string) outcome {
	m.t.Helper()
	if o.code != code {
		m.t.Fatalf("exit code %d, want %d: %s%s", o.code, code, o.stdout, o.stderr)
	}
	for _, word := range words {
		if !strings.Contains(squeezed(o.stdout+o.stderr), word) {
			m.t.Errorf("there is no %q in\n%s%s", word, o.stdout, o.stderr)
		}
	}
	return o
}

// planFile writes a plan that is due in the time given.
func (m *team) planFile(name, attack string, due time.Duration) string {
	m.t.Helper()
	return write(m.t, fmt.Sprintf("name: %s\nlabels: {team: a}\nattack: %s\nplanner: {ref: 'exact_planner:ExactPlanner', args: {date: '%s'}}\n",
		name, attack, time.Now().UTC().Add(due).Format("2006-01-02T15:04:05.000Z")))
}

// members reads a member of each element of a list in a document.
func members(t *testing.T, document, list, member string) []string {
	t.Helper()
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	var elements []map[string]any
	if err := json.Unmarshal(doc[list], &elements); err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	var found []string
	for _, e := range elements {
		found = append(found, fmt.Sprint(e[member]))
	}
	return found
}

// The client's commands, from the first look to the last entry of the audit.
func TestADayWithTheClient(t *testing.T) {
	m := newTeam(t)
	m.wants(m.admin("attacks"), 0, "REF EFFECT CAN VERSION TITLE", "e2e:Harm undoable dry run, targets")
	m.wants(m.admin("attacks", "e2e:Sleep"), 0, "arguments\nfor string|number, required\nHow long it runs\n", `"ref": "e2e:Sleep"`)
	m.wants(m.admin("attacks", "e2e:Slep"), 1, "e2e:Slep")
	m.wants(m.admin("planners", "-o", "yaml"), 0, "- ref: exact_planner:ExactPlanner")
	m.wants(m.admin("plugins"), 0, "ready attack testplugin e2e:Count, e2e:Final")
	m.wants(m.admin("plugins", "rescan", "-o", "json"), 0, `"path": "exact_planner"`)

	m.wants(m.admin("plan", "create", "--wait", "-f", m.planFile("one", "{ref: 'e2e:Sleep', args: {for: 1ms}}", 300*time.Millisecond)), 0,
		"to run\n", "one, succeeded after", "1 executor: 1 succeeded")
	m.wants(m.admin("plan", "create", "-f", m.planFile("two", "{ref: 'e2e:Sleep', args: {for: 1h}}", time.Hour)), 0)
	plans := members(t, m.admin("plan", "list", "-o", "json").stdout, "plans", "id")
	if len(plans) != 1 {
		t.Fatalf("there are %d plans", len(plans))
	}
	m.wants(m.admin("plan", "list", "--all", "--limit", "1"), 0, "there are more: --limit 0 shows all")
	m.wants(m.admin("plan", "show", plans[0]), 0, `"two"`, "state: 1 executor of 1 to run", "attack: e2e:Sleep {\"for\":\"1h\"}", "labels: team=a", "(in 60 min)",
		"timeout: 15m", "misfire grace: 1m", "undo: auto", "seed: ")
	ids := members(t, m.admin("executor", "list", "-o", "json").stdout, "executors", "id")
	if len(ids) != 1 {
		t.Fatalf("there are %d executors", len(ids))
	}
	all := m.wants(m.admin("executor", "list", "--all", "--state", "succeeded,scheduled"), 0, ids[0]+" scheduled ").stdout
	if strings.Count(all, "\n") != 3 {
		t.Errorf("it shows\n%s", all)
	}

	following := begin(t, "events", "-f", "--server", "unix:"+m.home.socket(), "--executor", ids[0], "-o", "json")
	logging := begin(t, "executor", "log", "-f", ids[0], "--server", "unix:"+m.home.socket())
	m.wants(m.admin("executor", "move", ids[0], "+nonsense"), 2, "is not a time from now")
	// The stream tells nothing before the first change, so it is moved until it has.
	awaitWord(t, &following.stdout, `"executor.moved"`, func() {
		m.wants(m.admin("executor", "move", ids[0], "+2h"), 0, "scheduled, due ", "(in 2 h)")
	})
	m.wants(m.admin("executor", "move", ids[0], "now"), 0)
	await(t, &following.stdout, `"executor.running"`)
	m.wants(m.admin("executor", "show", ids[0]), 0, "plan: "+plans[0], "started: ", "ms after it was due")
	m.wants(m.admin("executor", "halt", ids[0], "--reason", "enough"), 0, ids[0]+": ")
	await(t, &following.stdout, `"executor.halted"`)
	following.signals <- syscall.SIGINT
	if code := following.end(t); code != 0 {
		t.Errorf("events: exit code %d: %s", code, following.stderr.String())
	}
	if code := logging.end(t); code != 0 || !strings.Contains(logging.stdout.String(), "asleep") || !strings.Contains(logging.stderr.String(), ids[0]+": halted") {
		t.Errorf("log -f: exit code %d: %s%s", code, logging.stdout.String(), logging.stderr.String())
	}
	if a, b := m.admin("executor", "log", ids[0]), logging.stdout.String(); a.stdout != b {
		t.Errorf("the log is\n%sfollowed it was\n%s", a.stdout, b)
	}
	if log := m.admin("executor", "log", ids[0], "-o", "json").stdout; !strings.Contains(log, `"log": [`) {
		t.Errorf("the log as a document: %s", log)
	}
	m.wants(m.admin("events", "--type", "executor.halted"), 0, "executor.halted "+ids[0]+" e2e:Sleep (")
	m.wants(m.admin("executor", "delete", ids[0]), 0, ids[0])
	m.wants(m.admin("plan", "delete", plans[0]), 0, plans[0])
	m.wants(m.admin("plan", "halt", plans[0]), 1, "plan not found "+plans[0])
	m.wants(m.admin("halt", "a", "drill"), 0)
	m.wants(m.admin("status"), 0, "ENGAGED by "+whoAmI())
	m.wants(m.admin("resume"), 0)
	m.wants(m.admin("undos", "list", "--all"), 0, "there are no undo records")
	m.wants(m.admin("audit", "list", "--limit", "2"), 0, "SEQ AT OUTCOME ACTION TARGET WHO FROM DETAIL", "--limit 0 shows all")
	m.wants(m.admin("executor", "list", "--ref", "e2e:Slep"), 0, "no executors", "warning: no attack e2e:Slep is offered; did you mean e2e:Sleep? (cmed attacks shows all)")
	m.wants(m.admin("executor", "list", "--ref", "e2e:*"), 2, `--ref: "e2e:*" is a pattern`)
	m.wants(m.admin("audit", "list", "-o", "json"), 0, `"action": "delete_plan"`, `"action": "release_lever"`)
	m.wants(m.admin("audit", "verify"), 0, "is whole")
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	m.wants(m.admin("audit", "export", "--write", file), 0)
	m.wants(m.admin("audit", "export", "--write", file), 2, "--write: ")
	text, err := os.ReadFile(file)
	if lines := strings.Count(string(text), "\n"); err != nil || lines < 5 || lines != strings.Count(m.admin("audit", "export").stdout, "\n") {
		t.Errorf("%d lines: %v", lines, err)
	}
	m.daemon.finish(t)
}

// awaitWord does something again and again until its word is there.
func awaitWord(t *testing.T, b *buffer, word string, again func()) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(b.String(), word) {
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s in\n%s", word, b.String())
		}
		again()
	}
}

func TestKeys(t *testing.T) {
	m := newTeam(t)
	folder := t.TempDir()
	viewer, operator := filepath.Join(folder, "viewer"), filepath.Join(folder, "operator")
	m.wants(m.admin("key", "create", "ana"), 2, "--role is missing")
	m.wants(m.admin("key", "create", "ana", "--role", "king"), 2, `--role: "king" is none of`)
	if _, err := os.Stat(viewer); err == nil {
		t.Error("there is a file without a key")
	}
	made := m.wants(m.admin("key", "create", "ana", "--role", "viewer", "--ttl", "30d", "--write", viewer), 0, `"ana", role viewer, until 20`)
	secret, err := os.ReadFile(viewer)
	if err != nil || !strings.HasPrefix(string(secret), "cmed_") || strings.Contains(made.stdout+made.stderr, strings.TrimSpace(string(secret))) {
		t.Errorf("the key is in the file: %v; it was shown: %s%s", err, made.stdout, made.stderr)
	}
	if info, err := os.Stat(viewer); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	m.wants(m.admin("key", "create", "ana", "--role", "viewer", "--write", viewer), 2, "--write: ")
	shown := m.wants(m.admin("key", "create", "ci", "--role", "operator", "--ref", "e2e:*", "--label", "team=a"), 0, "only e2e:*, team=a")
	if !strings.HasPrefix(shown.stdout, "cmed_") || strings.Count(shown.stdout, "\n") != 1 {
		t.Errorf("standard output is %q", shown.stdout)
	}
	writeMode(t, operator, shown.stdout, 0o600)
	document := m.wants(m.admin("key", "create", "doc", "--role", "viewer", "--write", filepath.Join(folder, "x"), "-o", "json"), 0).stdout
	if strings.Contains(document, `"key"`) || !strings.Contains(document, `"role": "viewer"`) {
		t.Errorf("the document is %s", document)
	}

	m.wants(callWith(t, []string{"CMED_SERVER=" + m.url}, "", "status"), 1, wantsKey)
	m.wants(m.with(viewer, "status"), 0, "you: ana (viewer)")
	m.wants(m.with(viewer, "halt"), 1, "role operator", wantsMore)
	m.wants(m.with(operator, "status"), 0, "you: ci (operator), only e2e:*, team=a")
	m.wants(m.with(operator, "plan", "create", "--wait", "-f", m.planFile("x", "{ref: 'e2e:Sleep', args: {for: 1ms}}", 200*time.Millisecond)), 0)
	m.wants(m.with(operator, "key", "list"), 1, wantsMore)

	// A context keeps the key; with it commands need no flags.
	env := []string{"XDG_CONFIG_HOME=" + m.config}
	m.wants(callWith(t, env, "", "context", "set", "prod", "--server", m.url, "--key-file", operator), 0)
	m.wants(callWith(t, env, "", "status"), 0, "you: ci (operator)")

	list := m.wants(m.admin("key", "list"), 0, "ID NAME ROLE STATE EXPIRES CREATED BY ONLY", "ana viewer live 20", "ci operator live never 20").stdout
	if strings.Contains(list, strings.TrimSpace(string(secret))) {
		t.Error("the list shows a key")
	}
	ids := members(t, m.admin("key", "list", "-o", "json").stdout, "keys", "id")
	m.wants(m.admin("key", "revoke", ids[1]), 0, `("ci") is revoked`)
	m.wants(callWith(t, env, "", "status"), 1, "revoked")
	if n := len(members(t, m.admin("key", "list", "-o", "json").stdout, "keys", "id")); n != 2 {
		t.Errorf("%d keys are live", n)
	}
	m.wants(m.admin("key", "list", "--all"), 0, "ci operator revoked")
	m.daemon.finish(t)
}

func TestCompletion(t *testing.T) {
	m := newTeam(t)
	m.wants(m.admin("plan", "create", "-f", m.planFile("night", "{ref: 'e2e:Sleep', args: {for: 1h}}", time.Hour)), 0)
	m.wants(m.admin("key", "create", "ana", "--role", "viewer"), 0)
	plan := members(t, m.admin("plan", "list", "-o", "json").stdout, "plans", "id")[0]
	executor := members(t, m.admin("executor", "list", "-o", "json").stdout, "executors", "id")[0]
	key := members(t, m.admin("key", "list", "-o", "json").stdout, "keys", "id")[0]
	server := "unix:" + m.home.socket()
	for args, want := range map[string]string{
		"attacks":                      "e2e:Sleep\n",
		"planners":                     "exact_planner:ExactPlanner\tExact planner\n",
		"plan show":                    plan + "\tnight\n",
		"plan halt":                    plan + "\tnight\n",
		"plan delete":                  plan + "\tnight\n",
		"executor show":                executor + "\tscheduled e2e:Sleep ",
		"executor move":                executor + "\tscheduled e2e:Sleep ",
		"executor halt":                executor + "\tscheduled e2e:Sleep ",
		"executor log -f":              executor + "\tscheduled e2e:Sleep ",
		"executor list --plan":         plan + "\tnight\n",
		"executor list --ref":          "e2e:Sleep\n",
		"events --executor":            executor + "\t",
		"key revoke":                   key + "\tana (viewer)\n",
		"status -o":                    "yaml\n",
		"key create x --role":          "operator\n",
		"undos retry":                  "",
		"plan show --server http://x:": "",
	} {
		words := strings.Fields(args)
		got := callWith(t, []string{"CMED_SERVER=" + server}, "", append(append([]string{"__complete"}, words...), "")...)
		offered, _, _ := strings.Cut("\n"+got.stdout, "\n:")
		if got.code != 0 || !strings.Contains(offered+"\n", "\n"+want) {
			t.Errorf("%s: %q, without %q", args, got.stdout, want)
		}
	}
	if got := m.admin("__complete", "attacks", "e2e:Sleep", ""); strings.Contains(got.stdout, "e2e") {
		t.Errorf("a second argument is offered: %s", got.stdout)
	}
	m.daemon.finish(t)
}

// Somebody who presses Tab is told nothing of what is wrong, nor kept waiting.
func TestCompletionWithoutADaemon(t *testing.T) {
	s := newStandIn(t, nil)
	s.Close()
	for _, server := range []string{s.URL, "no url:", "unix:/nonexistent/s"} {
		got := callWith(t, []string{"CMED_SERVER=" + server}, "", "__complete", "plan", "show", "")
		if got.code != 0 || !strings.HasPrefix(got.stdout, ":") || strings.Contains(got.stderr, "reached") {
			t.Errorf("%s: %+v", server, got)
		}
	}
}

func TestExitCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	topic := callWith(t, nil, "", "help", "exit-codes").stdout
	root := callWith(t, nil, "", "--help").stdout
	for _, c := range exitCodes {
		if row := fmt.Sprintf("| %d | %s |", c.code, c.meaning); !strings.Contains(strings.ReplaceAll(string(text), "`", ""), row) {
			t.Errorf("README.md has no line %s", row)
		}
		line := fmt.Sprintf("  %d  %s\n", c.code, c.meaning)
		if !strings.Contains(topic, line) || !strings.Contains(root, line) {
			t.Errorf("the help has no line %s", line)
		}
	}
}

func TestCommandsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range clientCommands(program{}) {
		paths := []string{cmd.Name()}
		for _, sub := range cmd.Commands() {
			paths = append(paths, cmd.Name()+" "+sub.Name())
		}
		if cmd.RunE != nil && cmd.HasSubCommands() && !slices.Contains([]string{"plan", "plugins", "undos"}, cmd.Name()) {
			paths = paths[1:] // it only has others below it
		}
		for _, path := range paths {
			if path != "plan" && path != "undos list" && !strings.Contains(string(text), "`cmed "+path) {
				t.Errorf("docs/configuration.md does not tell of cmed %s", path)
			}
		}
	}
}

// Every command that calls a daemon can write documents and be told where it is.
func TestClientCommandsHaveTheirFlags(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			check(sub)
		}
		if cmd.HasSubCommands() && cmd.Flags().Lookup("server") == nil || cmd.HasParent() && cmd.Parent().Name() == "context" {
			return
		}
		for _, name := range []string{"server", "context", "key-file", "ca-file", "output"} {
			if cmd.Flags().Lookup(name) == nil {
				t.Errorf("cmed %s has no --%s", cmd.CommandPath(), name)
			}
		}
		if cmd.Flags().Lookup("key") != nil {
			t.Errorf("cmed %s takes a key where others can see it", cmd.CommandPath())
		}
	}
	for _, cmd := range clientCommands(program{}) {
		check(cmd)
	}
}

func TestManual(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	if got := callWith(t, nil, "", "man", dir); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(pages) < 40 {
		t.Errorf("%d pages: %v", len(pages), err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "cmed-plan-create.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		".SH NAME\ncmed-plan-create - Post plans", "\\fB--idempotency-key\\fP \\fIkey\\fP", "CMED_SERVER", "5 an executor did not succeed", "7 the wait ended before the executors did.", "\\fBcmed-plan\\fP(1)",
	} {
		if !strings.Contains(strings.ReplaceAll(string(page), `\-`, "-"), want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for name, want := range map[string]string{
		"cmed":           ".SH EXIT STATUS\n.TP\n\\fB0\\fP",
		"cmed-halt":      ".SH EXIT STATUS\n0 it is, or with",
		"cmed-plan-list": ".SH EXIT STATUS\nThose of \\fBcmed\\fP(1).",
	} {
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if text := strings.ReplaceAll(string(page), `\-`, "-"); err != nil || !strings.Contains(text, want) || strings.Count(text, "EXIT STATUS")+strings.Count(text, "Exit codes") != 1 {
			t.Errorf("%s, %v: no %q in\n%s", name, err, want, page)
		}
	}
	again := filepath.Join(t.TempDir(), "man")
	callWith(t, nil, "", "man", again)
	if other, err := os.ReadFile(filepath.Join(again, "cmed-plan-create.1")); err != nil || string(other) != string(page) {
		t.Errorf("the second time it is another: %v", err)
	}
	if got := callWith(t, nil, "", "man", "-"); got.code != exitUsage || !strings.Contains(got.stderr, "name the folder") {
		t.Errorf("%+v", got)
	}
	if got := callWith(t, nil, "", "man"); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
}

func TestPluginsOfADaemonOrOfTheFolders(t *testing.T) {
	h := newHome(t)
	s := newStandIn(t, map[string][]string{"GET /api/1/plugins/": {
		`{"plugins":[{"kind":"attack","path":"a","state":"ready","refs":["x:Y"]}]}`,
		`{"plugins":[{"kind":"attack","path":"a","state":"broken","refs":[],"error":{"stage":"describe","message":"it hangs","hint":"end it","stderr":"oh\n"}}]}`,
	}})
	c, code := s.call(t, "plugins")
	if got, want := c.stdout.String(), "STATE  KIND    FILE  REFS\nready  attack  a     x:Y\n"; code != 0 || got != want {
		t.Errorf("exit code %d: %s", code, got)
	}
	c, code = s.call(t, "plugins")
	if got, want := c.stdout.String(), "\na (broken): describe: it hangs\n  hint: end it\n  stderr: oh\n"; code != exitFailure || !strings.HasSuffix(got, want) {
		t.Errorf("exit code %d: %s", code, got)
	}
	s.Close()
	if _, code := s.call(t, "plugins"); code != exitFailure { // a daemon that was named is not done without
		t.Errorf("exit code %d", code)
	}
	folders := []string{"CMED_ATTACKS_FOLDER=" + h.attacks, "CMED_PLANNERS_FOLDER=" + h.planners}
	got := callWith(t, append(folders, "CMED_SERVER="+s.URL), "", "plugins", "--scan")
	if got.code != 0 || got.stdout != "no files in "+h.attacks+" and "+h.planners+"\n" || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}
