package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestOpen(t *testing.T) {
	t.Run("a new file is its owner's alone and has an id that stays", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cme.db")
		s := openAt(t, path)
		id := s.ID()
		if !engine.ValidID(id) {
			t.Errorf("id %q", id)
		}
		wantMode(t, path, 0o600)
		wantNoError(t, s.Close())
		if again := openAt(t, path); again.ID() != id {
			t.Errorf("the id was %s and is %s", id, again.ID())
		}
		if other := openStore(t); other.ID() == id {
			t.Error("two stores have one id")
		}
	})
	t.Run("an existing file is tightened", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cme.db")
		wantNoError(t, openAt(t, path).Close())
		wantNoError(t, os.Chmod(path, 0o664))
		openAt(t, path)
		wantMode(t, path, 0o600)
	})
	t.Run("an empty file is filled", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cme.db")
		wantNoError(t, os.WriteFile(path, nil, 0o600))
		stored(t, openAt(t, path), engine.Scheduled)
	})
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	wantNoError(t, err)
	if info.Mode().Perm() != want {
		t.Errorf("mode %v, want %v", info.Mode().Perm(), want)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		err     string
	}{
		"a file that another has open": {
			prepare: func(t *testing.T, path string) { openAt(t, path) },
			err:     "another cmed holds it; stop that one, or use another file",
		},
		"a folder": {
			prepare: func(t *testing.T, path string) { wantNoError(t, os.Mkdir(path, 0o700)) },
			err:     "it is not a regular file",
		},
		"a file of another kind": {
			prepare: func(t *testing.T, path string) {
				wantNoError(t, os.WriteFile(path, []byte(strings.Repeat("SQLite format 3\x00", 4096)), 0o600))
			},
			err: "it is not a store of cmed, or it is damaged",
		},
		"a bbolt file of another program": {
			prepare: func(t *testing.T, path string) { bboltFile(t, path, "widgets", "a", "b") },
			err:     "it is the bbolt file of another program",
		},
		"a bbolt file without a version": {
			prepare: func(t *testing.T, path string) { bboltFile(t, path, "meta", "a", "b") },
			err:     "it is a bbolt file without a schema version of cmed",
		},
		"a file of a newer version": {
			prepare: func(t *testing.T, path string) { bboltFile(t, path, "meta", "version", "99") },
			err: "it was written by a newer cmed (schema version 99, this one knows 3): " +
				"use that version, or another file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cme.db")
			c.prepare(t, path)
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v\nwant %q and the path", err, c.err)
			}
		})
	}
	t.Run("a folder that does not exist", func(t *testing.T) {
		_, err := Open(filepath.Join(t.TempDir(), "none", "cme.db"))
		if err == nil || !strings.Contains(err.Error(), "none does not exist; create it first") {
			t.Errorf("got %v", err)
		}
	})
}

// bboltFile makes a bbolt file with one bucket of one key.
func bboltFile(t *testing.T, path, bucket, key, value string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	wantNoError(t, err)
	wantNoError(t, db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(value))
	}))
	wantNoError(t, db.Close())
}

func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	p, _ := stored(t, s, engine.Scheduled)
	wantNoError(t, s.Close())
	db, err := bbolt.Open(path, 0o600, nil)
	wantNoError(t, err)
	defer func() { wantNoError(t, db.Close()) }()

	var ran []string
	step := func(name string, err error) migration {
		return func(tx *bbolt.Tx) error {
			ran = append(ran, name)
			return errors.Join(err, tx.Bucket(metaName).Put([]byte(name), []byte("done")))
		}
	}
	wantMeta := func(key, want string) {
		t.Helper()
		wantNoError(t, db.View(func(tx *bbolt.Tx) error {
			if got := string(tx.Bucket(metaName).Get([]byte(key))); got != want {
				t.Errorf("meta %s is %q, want %q", key, got, want)
			}
			return nil
		}))
	}
	one, two, three := step("one", nil), step("two", nil), step("three", nil)
	four, broken := step("four", nil), step("broken", errors.New("disk on fire"))
	five := step("five", nil)

	err = migrate(db, []migration{one, two, three, four, broken})
	if err == nil || err.Error() != "migrate to schema version 5: disk on fire" {
		t.Errorf("got %v", err)
	}
	wantMeta("version", "3")
	wantMeta("four", "")

	ran = nil
	wantNoError(t, migrate(db, []migration{one, two, three, four, five}))
	wantNoError(t, migrate(db, []migration{one, two, three, four, five}))
	wantSame(t, "the steps after the file's version, each once", ran, []string{"four", "five"})
	wantMeta("version", "5")

	if err := migrate(db, []migration{one, two, three, four}); err == nil || !strings.Contains(err.Error(), "newer cmed") {
		t.Errorf("an older program: got %v", err)
	}
	wantNoError(t, db.View(func(tx *bbolt.Tx) error {
		_, err := find(&txn{tx: tx}, bucketPlans, "plan", p.ID, &engine.Plan{})
		return err
	}))
}

func TestClosed(t *testing.T) {
	s := openStore(t)
	p, executors := stored(t, s, engine.Scheduled)
	wantNoError(t, s.Close())
	wantNoError(t, s.Close())
	_, err := s.Plan(t.Context(), p.ID)
	wantCode(t, err, engine.CodeClosed)
	_, err = s.Transition(t.Context(), idsOf(executors), func(*engine.Executor) error { return nil })
	wantCode(t, err, engine.CodeClosed)
}

// TestATornFileIsRefused cuts a file short wherever a copy may have ended.
func TestATornFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	for range 10 {
		stored(t, s, engine.Scheduled)
	}
	size, err := s.room.size()
	wantNoError(t, err)
	wantNoError(t, s.Close())
	whole, err := os.ReadFile(path)
	wantNoError(t, err)
	page := int64(os.Getpagesize())
	for length := page / 2; length < size; length += page / 2 {
		wantNoError(t, os.WriteFile(path, whole[:length], 0o600))
		if s, err := Open(path); err == nil {
			t.Errorf("%d bytes of %d were opened: %v", length, size, s.Close())
		}
	}
	wantNoError(t, os.WriteFile(path, whole[:size], 0o600))
	check(t, openAt(t, path))
}
