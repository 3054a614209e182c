package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

var started = new("2030-01-01T00:00:00Z")

// What torture would say if a promise were broken must be tested here: the
// daemon does it the favour of not breaking any.
func TestABrokenPromiseIsSeen(t *testing.T) {
	t.Parallel()
	failing := script.Script{Records: 2, End: script.Fail}
	failed := executor{ID: "1", State: "failed", Undo: "undone", Started: started, Done: true}
	with := func(change func(*executor)) executor {
		e := failed
		change(&e)
		return e
	}
	ran := witness{runs: 1, ended: true, undone: []uint64{2, 1}}
	tests := []struct {
		name   string
		script script.Script
		e      executor
		seen   witness
		fate   fate
		want   []kind
		says   string
	}{
		{name: "all is well", script: failing, e: failed, seen: ran},
		{
			name: "it ran twice", script: failing, e: failed, seen: witness{runs: 2, ended: true},
			want: []kind{doubleFire}, says: "it ran 2 times",
		},
		{
			name: "harm is left and counts as undone", script: failing, e: failed,
			seen: witness{runs: 1, harms: []string{"1.2"}}, want: []kind{lostUndo}, says: "harm is left: [1.2]",
		},
		{
			name: "harm is left and there is no record", script: failing, e: with(func(e *executor) { e.Undo = "none" }),
			seen: witness{runs: 1, harms: []string{"1.1"}}, want: []kind{lostUndo}, says: "harm is left: [1.1]",
		},
		{
			name: "harm is left and is known to be", script: failing, e: with(func(e *executor) { e.Undo = "kept" }),
			seen: witness{runs: 1, harms: []string{"1.1"}},
		},
		{
			name: "it ran and was never started", script: failing, e: with(func(e *executor) { e.Started = nil }),
			seen: ran, want: []kind{violation}, says: "on record as never started",
		},
		{
			name: "it ran and is blocked", script: failing, e: with(func(e *executor) { e.State = "blocked" }),
			seen: ran, fate: fate{halted: true}, want: []kind{violation}, says: "it ran",
		},
		{
			name: "lost although no daemon died", script: failing, e: with(func(e *executor) { e.State = "lost" }),
			seen: ran, want: []kind{violation}, says: `it may only be one of ["failed"]`,
		},
		{
			name: "lost when the daemon died", script: failing, e: with(func(e *executor) { e.State = "lost" }),
			seen: ran, fate: fate{died: true},
		},
		{
			name: "succeeded without having run", script: script.Script{End: script.Heal},
			e:    with(func(e *executor) { e.State = "succeeded" }),
			want: []kind{violation}, says: "it ran 0 times",
		},
		{
			name: "undone while it was alive", script: failing, e: failed,
			seen: witness{runs: 1, ended: true, early: 1}, want: []kind{violation}, says: "while the run was alive",
		},
		{
			name: "the oldest harm was taken back first", script: failing, e: failed,
			seen: witness{runs: 1, ended: true, undone: []uint64{1, 2}}, want: []kind{violation}, says: "in the order [1 2]",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var kinds []kind
			var texts []string
			for _, f := range judge(tt.script, tt.e, &tt.seen, tt.fate) {
				kinds, texts = append(kinds, f.kind), append(texts, f.text)
			}
			if !slices.Equal(kinds, tt.want) || !strings.Contains(strings.Join(texts, "\n"), tt.says) {
				t.Errorf("it found %v %q, want %v %q", kinds, texts, tt.want, tt.says)
			}
		})
	}
}

func TestADeletedExecutorIsJudgedByItsTraces(t *testing.T) {
	t.Parallel()
	if found := judgeGone("1", &witness{runs: 1}); len(found) != 0 {
		t.Errorf("it found %v where all is well", found)
	}
	found := judgeGone("1", &witness{runs: 2, harms: []string{"1.1"}})
	if len(found) != 2 || found[0].kind != doubleFire || found[1].kind != lostUndo {
		t.Errorf("it found %v", found)
	}
}

func TestTracesAreReadByExecutor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		script.Runs(dir): "a\nb\nb\n", script.Early(dir): "a\n", script.Undos(dir): "a 2\na 1\n",
		script.Ended(dir, "b"): "", script.Harm(dir, "a", 3): "",
	}
	for _, folder := range script.Folders(dir) {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := readTraces(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, b := seen.of("a"), seen.of("b")
	if a.runs != 1 || a.early != 1 || a.ended || !slices.Equal(a.undone, []uint64{2, 1}) || !slices.Equal(a.harms, []string{"a.3"}) {
		t.Errorf("a: %+v", a)
	}
	if b.runs != 2 || !b.ended || len(b.undone)+len(b.harms)+b.early != 0 {
		t.Errorf("b: %+v", b)
	}
}
