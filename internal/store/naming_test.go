package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// written makes a file and leaves it open.
func written(t *testing.T, path, content string) *os.File {
	t.Helper()
	file, err := os.Create(path)
	wantNoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	_, err = file.WriteString(content)
	wantNoError(t, err)
	return file
}

// wantFiles wants these files in a folder, with these contents.
func wantFiles(t *testing.T, folder string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, name := range namesIn(t, folder) {
		got[name] = string(must(os.ReadFile(filepath.Join(folder, name))))
	}
	wantSame(t, "files", got, want)
}

func TestANameIsGivenOnlyOnce(t *testing.T) {
	for way, give := range map[string]func(file *os.File, path string) error{
		"a link":             giveName,
		"a rename":           func(file *os.File, path string) error { return renameAnew(file.Name(), path) },
		"a rename of before": func(file *os.File, path string) error { return renameAfterLook(file.Name(), path) },
	} {
		t.Run(way, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "store")
			wantNoError(t, give(written(t, filepath.Join(folder, "new"), "first"), path))
			wantFiles(t, folder, map[string]string{"store": "first"})
			if err := give(written(t, filepath.Join(folder, "new"), "second"), path); !errors.Is(err, fs.ErrExist) {
				t.Errorf("over another file: %v", err)
			}
			wantFiles(t, folder, map[string]string{"store": "first", "new": "second"})
		})
	}
}

// TestWhereThereAreNoLinksTheOldFileIsCopied: there is a store under its name all
// the time.
func TestWhereThereAreNoLinksTheOldFileIsCopied(t *testing.T) {
	if !withoutLinks(&os.LinkError{Err: syscall.EPERM}) || withoutLinks(&os.LinkError{Err: syscall.EEXIST}) || withoutLinks(nil) {
		t.Error("it is not known when no links can be made")
	}
	folder := t.TempDir()
	old := written(t, filepath.Join(folder, "store"), "old")
	kept := filepath.Join(folder, "kept")
	wantNoError(t, copyAside(t.Context(), old, kept, nil))
	wantFiles(t, folder, map[string]string{"store": "old", "kept": "old"})
	if err := copyAside(t.Context(), old, kept, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
}

// TestTheWayBackLeavesNoSecondName has a new file that is gone when it is to take
// the place of the old one.
func TestTheWayBackLeavesNoSecondName(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "store")
	r := restoring{Restoration: Restoration{Path: path}, old: written(t, path, "old"), file: written(t, filepath.Join(folder, "new"), "new")}
	wantNoError(t, os.Remove(r.file.Name()))
	if err := r.place(t.Context()); err == nil || r.done.Kept != "" {
		t.Errorf("placed: %v, kept as %q", err, r.done.Kept)
	}
	wantFiles(t, folder, map[string]string{"store": "old"})
}

func TestAStoreIsOpenedWhereItsLinkLeads(t *testing.T) {
	folder := t.TempDir()
	wantNoError(t, openAt(t, filepath.Join(folder, "cme.db")).Close())
	link := filepath.Join(t.TempDir(), "link")
	wantNoError(t, os.Symlink(filepath.Join(folder, "cme.db"), link))
	if s := openAt(t, link); s.room.file.Name() != filepath.Join(folder, "cme.db") {
		t.Errorf("copies are made beside %s", s.room.file.Name())
	}
}

// TestALinkLeadsToAStoreThatIsStillToBe: where the disk with the file was lost, the
// link to it is what is left.
func TestALinkLeadsToAStoreThatIsStillToBe(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "disk", "cme.db")
	wantNoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	link := filepath.Join(folder, "link")
	wantNoError(t, os.Symlink(filepath.Join("disk", "cme.db"), link))
	s := openAt(t, link)
	wantSame(t, "made as", s.room.file.Name(), path)
	backup := filepath.Join(folder, "backup")
	snapshotTo(t, s, backup)
	wantNoError(t, s.Close())
	wantNoError(t, os.Remove(path))
	_, err := Restore(t.Context(), Restoration{Backup: backup, Path: link}, nil)
	wantNoError(t, err)
	if info := must(os.Lstat(path)); !info.Mode().IsRegular() {
		t.Errorf("%s has mode %v", path, info.Mode())
	}
	if target := must(os.Readlink(link)); target != filepath.Join("disk", "cme.db") {
		t.Errorf("the link leads to %s", target)
	}
	loop := filepath.Join(folder, "loop")
	wantNoError(t, os.Symlink("loop", loop))
	wantSame(t, "where nothing is to be", resolve(loop), loop)
}
