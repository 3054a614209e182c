package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func TestEachStepAndEachFailpointIsACase(t *testing.T) {
	t.Parallel()
	names := caseNames()
	want := []string{"plugin before record", "daemon before harm", "both before answer", "a full disk", "plugin: deaf", "undo: slow"}
	for _, name := range failpoint.Names() {
		want = append(want, "daemon at "+name)
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			t.Errorf("there is no case %q", name)
		}
	}
	slices.Sort(names)
	if distinct := slices.Compact(slices.Clone(names)); len(distinct) != len(names) {
		t.Errorf("two cases have one name: %v", names)
	}
}

func TestARoundFollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	for _, c := range cases() {
		if c.prepare == nil {
			continue
		}
		if a, b := c.prepare(newChance(7, 3)), c.prepare(newChance(7, 3)); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %+v and %+v", c.name, a, b)
		}
	}
}

func TestAllCasesAreDealtBeforeAnyIsDealtAgain(t *testing.T) {
	t.Parallel()
	d := &dealer{seed: 1, cases: cases()}
	for turn := range 2 {
		dealt := map[string]bool{}
		for range d.cases {
			c, _ := d.deal()
			dealt[c.name] = true
		}
		if len(dealt) != len(d.cases) {
			t.Errorf("turn %d: %d of %d cases were dealt", turn, len(dealt), len(d.cases))
		}
	}
}

func TestTheCommandLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		says string // "": it is fine
	}{
		{[]string{"-for", "10m", "-seed", "5", "-worlds", "2", "-case", "before undo"}, ""},
		{[]string{"-case", "nothing of the kind"}, `torture: no case has "nothing of the kind" in its name; there are plugin before record,`},
		{[]string{"-worlds", "0"}, "torture: -worlds must be at least 1"},
		{[]string{"now"}, `torture: "now" is not understood`},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o, err := readOptions(tt.args, &out)
			if (err == nil) != (tt.says == "") || !strings.HasPrefix(out.String(), tt.says) {
				t.Errorf("it said %q (%v), want %q", out.String(), err, tt.says)
			}
			if tt.says == "" && (o.time != 10*time.Minute || o.seed != 5 || o.worlds != 2 || o.only != "before undo") {
				t.Errorf("it read %+v", o)
			}
		})
	}
}

func TestTheTableSumsUp(t *testing.T) {
	t.Parallel()
	tallied := newTally()
	first, second := torment{name: "a", family: "one"}, torment{name: "daemon at b", family: "two"}
	tallied.add(first, 1, result{executors: 3, kills: 2, found: []finding{{lostUndo, "harm is left"}}})
	tallied.add(first, 2, result{executors: 1, kills: 1})
	for serial := range uint64(5) {
		tallied.add(second, 3+serial, result{executors: 2, kills: 4, found: []finding{{leftover, "a socket"}, {doubleFire, "twice"}}})
	}
	var out bytes.Buffer
	printTable(&out, tallied.rows())
	var got [][]string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Fields(line))
	}
	want := [][]string{
		{"one", "1", "2", "4", "3", "0", "1", "0", "0"},
		{"two", "1", "5", "10", "20", "5", "0", "5", "0"},
		{"all", "2", "7", "14", "23", "5", "1", "5", "0"},
	}
	if !reflect.DeepEqual(got[1:], want) {
		t.Errorf("the table is\n%s", out.String())
	}
	if tallied.held() || len(tallied.findings()) != 11 || tallied.findings()[0] != "round 1, a: harm is left" {
		t.Errorf("held %t, findings %q", tallied.held(), tallied.findings())
	}
	if list := tallied.unreached(); !slices.Equal(list, []string{"daemon at b"}) {
		t.Errorf("no daemon died in %q", list)
	}
}

func TestLeftoversAreFound(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("processes are found in /proc, which this system does not have")
	}
	dir, err := os.MkdirTemp("", "cmed-t-") // a short path, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w, err := newWorld(dir, binaries{plugins: dir})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := w.leftovers(); err != nil || len(found) != 0 {
		t.Fatalf("in a new world: %q, %v", found, err)
	}
	run := filepath.Join(w.state(), "run", "1")
	if err := os.MkdirAll(run, 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(w.dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	child := exec.CommandContext(t.Context(), "sleep", "600")
	child.Env = []string{pluginv1.EnvPluginPath + "=" + w.attacks() + "/x", pluginv1.EnvRun + "=store/run"}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	found, err := w.leftovers()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(found, "\n")
	for _, want := range []string{"sleep 600", "of store/run", "file " + run, "socket " + listener.Addr().String()} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("close did not end what was left")
	}
}
