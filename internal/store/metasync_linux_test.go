package store

import (
	"os"
	"reflect"
	"syscall"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// failMetaSync has the fdatasync after the next write of a meta page fail, as on a
// disk that reports an error of writing back. The page itself is written: all
// that map the file see it.
func failMetaSync(t *testing.T, s *Store) (restore func()) {
	t.Helper()
	own := int(s.room.file.Fd())
	kept, err := syscall.Dup(own)
	wantNoError(t, err)
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0) // fdatasync(2): EINVAL
	wantNoError(t, err)
	field := reflect.ValueOf(s.db).Elem().FieldByName("ops").FieldByName("writeAt")
	write := (*func([]byte, int64) (int, error))(unsafe.Pointer(field.UnsafeAddr()))
	was := *write
	*write = func(b []byte, off int64) (int, error) {
		n, err := was(b, off)
		if off < 2*int64(s.db.Info().PageSize) {
			_ = syscall.Dup3(int(null.Fd()), own, syscall.O_CLOEXEC)
		}
		return n, err
	}
	return func() {
		*write = was
		wantNoError(t, syscall.Dup3(kept, own, syscall.O_CLOEXEC))
		wantNoError(t, syscall.Close(kept))
		wantNoError(t, null.Close())
	}
}

// TestACommitWhoseMetaPageCannotBeSynced: bbolt shows what was refused, and nothing
// can be relied on any more; so nothing more is written.
func TestACommitWhoseMetaPageCannotBeSynced(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Scheduled)
	restore := failMetaSync(t, s)
	_, err := s.Claim(t.Context(), idsOf(executors), to(engine.Starting))
	restore()
	wantCode(t, err, engine.CodeUnwritable)
	for range 3 {
		wantCode(t, s.SetLever(t.Context(), engine.Lever{Engaged: true}), engine.CodeUnwritable)
	}
	if _, err := s.Executor(t.Context(), executors[0].ID); err != nil {
		t.Error("it can't be read: ", err)
	}
}

// TestAReaderIsSafeFromACommitThatFailed: a read transaction begun before keeps
// its pages.
func TestAReaderIsSafeFromACommitThatFailed(t *testing.T) {
	s := openStore(t)
	for range 50 {
		stored(t, s, engine.Scheduled, engine.Succeeded)
	}
	tx, err := s.db.Begin(false)
	wantNoError(t, err)
	count := func(tx *bbolt.Tx) (n int, problem any) {
		defer func() { problem = recover() }()
		c := tx.Bucket([]byte("executor_index")).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			n++
		}
		return n, nil
	}
	before, _ := count(tx)
	restore := failMetaSync(t, s)
	p := planNamed("refused")
	err = s.CreatePlan(t.Context(), p, []engine.Executor{executorOf(p, engine.Scheduled, noon)}, nil)
	restore()
	if err == nil {
		t.Error("the plan was not refused")
	}
	for range 20 {
		_ = s.SetLever(t.Context(), engine.Lever{Engaged: true})
		q := planNamed("later")
		_ = s.CreatePlan(t.Context(), q, []engine.Executor{executorOf(q, engine.Scheduled, noon)}, nil)
	}
	after, problem := count(tx)
	wantNoError(t, tx.Rollback())
	if after != before || problem != nil {
		t.Errorf("an open read transaction saw %d entries, and now sees %d (%v): its pages were given to others", before, after, problem)
	}
}

// TestAFailedCommitLeavesTheFileWhole: as after a power cut, the file has the meta
// page that was last synced.
func TestAFailedCommitLeavesTheFileWhole(t *testing.T) {
	s := openStore(t)
	for range 50 {
		stored(t, s, engine.Scheduled, engine.Succeeded)
	}
	metas := make([]byte, 2*os.Getpagesize())
	_, err := s.room.file.ReadAt(metas, 0)
	wantNoError(t, err)
	restore := failMetaSync(t, s)
	p := planNamed("refused")
	err = s.CreatePlan(t.Context(), p, []engine.Executor{executorOf(p, engine.Scheduled, noon)}, nil)
	if err == nil {
		t.Error("the plan was not refused")
	}
	restore()
	// The next commit has written its pages, and not yet its meta page, when the
	// power goes: the disk has the meta pages from before.
	restore = failMetaSync(t, s)
	q := planNamed("next")
	_ = s.CreatePlan(t.Context(), q, []engine.Executor{executorOf(q, engine.Scheduled, noon)}, nil)
	restore()
	text, err := os.ReadFile(s.db.Path())
	wantNoError(t, err)
	copy(text, metas)
	path := t.TempDir() + "/after.db"
	wantNoError(t, os.WriteFile(path, text, 0o600))
	db, err := bbolt.Open(path, 0o600, nil)
	wantNoError(t, err)
	defer func() { wantNoError(t, db.Close()) }()
	wantNoError(t, db.View(func(tx *bbolt.Tx) error {
		n := 0
		for err := range tx.Check() {
			if n++; n < 4 {
				t.Error("after the power cut: ", err)
			}
		}
		return nil
	}))
}
