package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

func newMarker(t *testing.T) marker {
	t.Helper()
	return marker{Path: filepath.Join(t.TempDir(), "marker"), Token: "0190a1b2c3d47e5f8091a2b3c4d5e6f7"}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// left returns the names of the files beside the marker.
func left(t *testing.T, m marker) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(m.Path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestMarkerIsPlacedAndRemoved(t *testing.T) {
	m := newMarker(t)
	if err := m.room(); err != nil {
		t.Errorf("there is no room: %v", err)
	}
	if err := m.place(); err != nil {
		t.Fatal(err)
	}
	if names := left(t, m); len(names) != 1 || names[0] != m.Path {
		t.Errorf("placed %v, want the marker alone", names)
	}
	for _, want := range []sdk.Outcome{sdk.Undone, sdk.NothingToDo} {
		if outcome, err := m.remove(); err != nil || outcome != want {
			t.Errorf("remove = %v, %v; want %v", outcome, err, want)
		}
	}
	if names := left(t, m); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestMarkerOfSomebodyElseStays(t *testing.T) {
	m := newMarker(t)
	write(t, m.Path, "mine")
	for name, step := range map[string]func() error{"room": m.room, "place": m.place} {
		if err := step(); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s = %v, want that the file exists", name, err)
		}
	}
	if outcome, err := m.remove(); err != nil || outcome != sdk.NotMine {
		t.Errorf("remove = %v, %v; want not mine", outcome, err)
	}
	if content, err := os.ReadFile(m.Path); err != nil || string(content) != "mine" {
		t.Errorf("the file of somebody else is %q, %v", content, err)
	}
}

func TestMarkerHalfPlacedIsRemoved(t *testing.T) {
	m := newMarker(t)
	write(t, m.draft(), m.Token[:4]) // as a kill in the middle of the write leaves it
	if outcome, err := m.remove(); err != nil || outcome != sdk.NothingToDo {
		t.Errorf("remove = %v, %v; want nothing to do", outcome, err)
	}
	if names := left(t, m); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestMarkerThatCannotBeReadIsTriedAgain(t *testing.T) {
	m := newMarker(t)
	if err := os.Mkdir(m.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	if outcome, err := m.remove(); err == nil || outcome != sdk.Retry {
		t.Errorf("remove = %v, %v; want retry and why", outcome, err)
	}
}
