package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// openedTwice says whether this process has a file open more than once.
func openedTwice(t *testing.T, path string) bool {
	t.Helper()
	const descriptors = "/proc/self/fd"
	n := 0
	for _, name := range namesIn(t, descriptors) {
		if target, err := os.Readlink(filepath.Join(descriptors, name)); err == nil && target == path {
			n++
		}
	}
	return n > 1
}

// TestAFileThatIsReplacedWhileItIsWaitedFor: who waits for the lock of a database
// that is being compacted or restored must not go on with the old file.
func TestAFileThatIsReplacedWhileItIsWaitedFor(t *testing.T) {
	path, other := filepath.Join(t.TempDir(), "cme.db"), filepath.Join(t.TempDir(), "other.db")
	furnish(t, path)
	s := openAt(t, other)
	p, _ := stored(t, s, engine.Scheduled)
	wantNoError(t, s.Close())

	old, err := os.Open(path)
	wantNoError(t, err)
	wantNoError(t, syscall.Flock(int(old.Fd()), syscall.LOCK_EX))
	opened, failed := make(chan *Store, 1), make(chan error, 1)
	go func() {
		s, err := Open(path)
		failed <- err
		opened <- s
	}()
	eventually(t, "it waits for the lock", func() bool { return openedTwice(t, path) })
	wantNoError(t, os.Rename(other, path))
	wantNoError(t, old.Close())
	wantNoError(t, <-failed)
	s = <-opened
	defer func() { wantNoError(t, s.Close()) }()
	wantSame(t, "plans", allPlans(t, s, engine.PlanQuery{All: true, Limit: 9}), []engine.PlanID{p.ID})
}

// TestLinksStayLinks: what takes the place of a file takes not that of a link.
func TestLinksStayLinks(t *testing.T) {
	path, link := filepath.Join(t.TempDir(), "cme.db"), filepath.Join(t.TempDir(), "link.db")
	furnish(t, path)
	wantNoError(t, os.Symlink(path, link))
	backup := filepath.Join(t.TempDir(), "backup")
	_, err := Backup(t.Context(), link, backup, nil)
	wantNoError(t, err)
	_, err = Compact(t.Context(), link, nil)
	wantNoError(t, err)
	restored, err := Restore(t.Context(), Restoration{Backup: backup, Path: link, Force: true, By: "alice"}, nil)
	wantNoError(t, err)
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v", info, err)
	}
	if filepath.Dir(restored.Kept) != filepath.Dir(path) {
		t.Errorf("the old file is kept as %s", restored.Kept)
	}
	check(t, openAt(t, link))
}
