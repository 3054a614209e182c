package plugincheck

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// The folder of a check that was killed goes with the next check, and no other.
func TestFoldersOfKilledChecksAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder := func(name string, age time.Duration, files ...string) {
		path := filepath.Join(os.TempDir(), name)
		if err := os.MkdirAll(filepath.Join(path, "host"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(path, f), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	folder("cmed-check-killed", time.Hour, lockName)
	folder("cmed-check-young", time.Second, lockName)
	folder("cmed-check-unlocked", time.Hour)
	folder("cmed-check-unlocked-for-days", 48*time.Hour)
	folder("other", 48*time.Hour, lockName)
	path, lock, err := makeFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	removeAbandoned(hclog.NewNullLogger())
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{filepath.Base(path), "cmed-check-unlocked", "cmed-check-young", "other"}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left: %v, want %v", left, want)
	}
}
