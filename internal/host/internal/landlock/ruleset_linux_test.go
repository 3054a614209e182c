package landlock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// on restricts a thread, calls f on it, and gives the thread up.
func on(t *testing.T, r *Ruleset, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // not unlocked: the rules must not reach anybody else
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = r.RestrictThread()
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWhatNoRuleAllowsIsForbidden(t *testing.T) {
	r, err := New()
	if errors.Is(err, ErrUnsupported) {
		t.Skip("needs Landlock: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	for _, dir := range []string{"read", "write", "none"} {
		if err := os.Mkdir(at(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(dir+"/file"), []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(r.Read(at("read")), r.Write(at("write")), r.Read(at("none/file")), r.Read(at("missing")),
		r.Read(at("none/file/below"))); err != nil {
		t.Fatal(err)
	}
	read := func(name string) func() error {
		return func() error { _, err := os.ReadFile(at(name)); return err }
	}
	write := func(name string) func() error {
		return func() error { return os.WriteFile(at(name), nil, 0o600) }
	}
	type step struct {
		name string
		do   func() error
		ok   bool
	}
	steps := []step{
		{"read what may be read", read("read/file"), true},
		{"read what may be written", read("write/file"), true},
		{"read a file that was named", read("none/file"), true},
		{"make a file", write("write/new"), true},
		{"remove a file", func() error { return os.Remove(at("write/new")) }, true},
		{"write what may be read", write("read/file"), false},
		{"make a file where none may be", write("read/new"), false},
		{"write a file that was named", write("none/file"), false},
		{"list what is not named", func() error { _, err := os.ReadDir(at("none")); return err }, false},
		{"make a device", func() error { return unix.Mknod(at("write/disk"), unix.S_IFBLK|0o600, 1<<8) }, false},
	}
	errs := make([]error, len(steps))
	on(t, r, func() {
		for i, s := range steps {
			errs[i] = s.do()
		}
	})
	for i, s := range steps {
		if (errs[i] == nil) != s.ok {
			t.Errorf("%s: %v", s.name, errs[i])
		}
		if !s.ok && !errors.Is(errs[i], fs.ErrPermission) {
			t.Errorf("%s: %v", s.name, errs[i])
		}
	}
	if err := write("none/free")(); err != nil {
		t.Errorf("another thread is restricted: %v", err)
	}
}

func TestRightsFollowTheVersion(t *testing.T) {
	for abi, want := range map[int]uint64{1: 0x1fff, 2: 0x3fff, 3: 0x7fff, 4: 0x7fff, 5: 0xffff, 7: 0xffff} {
		if got := handled(abi); got != want {
			t.Errorf("version %d: %#x, want %#x", abi, got, want)
		}
	}
}
