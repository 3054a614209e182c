package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// packed makes an archive of a folder with a few files, whose modes and times are
// those given.
func packed(t *testing.T, mode fs.FileMode, modified time.Time) []byte {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"b", "a", "deep/er/c"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	all := &tree{}
	if err := all.folderOf("top", dir, programMode, nil); err != nil {
		t.Fatal(err)
	}
	all.text("top/note", "a note")
	archive, err := pack(all, 1_700_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func TestAnArchiveTellsNotWhoMadeItAndWhen(t *testing.T) {
	t.Parallel()
	one := packed(t, 0o600, time.Unix(1_000_000_000, 0))
	if !bytes.Equal(one, packed(t, 0o777, time.Now())) {
		t.Error("the archives of the same texts differ")
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	if !unzipped.ModTime.IsZero() || unzipped.Name != "" {
		t.Errorf("the compressed file tells %q, %s", unzipped.Name, unzipped.ModTime)
	}
	archive := tar.NewReader(unzipped)
	var names []string
	for {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		mode := int64(programMode)
		if h.Name == "top/note" {
			mode = fileMode
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(time.Unix(1_700_000_000, 0)) || h.Mode != mode {
			t.Errorf("%s: %+v", h.Name, h)
		}
	}
	want := []string{"top/", "top/a", "top/b", "top/deep/", "top/deep/er/", "top/deep/er/c", "top/note"}
	if !slices.Equal(names, want) {
		t.Errorf("it has %v, want %v", names, want)
	}
}

func TestATreeRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var all tree
	if err := all.folderOf("top", dir, fileMode, nil); err == nil || !strings.Contains(err.Error(), "neither a file nor a folder") {
		t.Errorf("a link is taken: %v", err)
	}
	if err := all.folderOf("top", t.TempDir(), fileMode, nil); err == nil || !strings.Contains(err.Error(), "there is nothing in") {
		t.Errorf("an empty folder is taken: %v", err)
	}
	for _, paths := range [][]string{{"a", "a"}, {"/a"}, {"../a"}, {"a/../b"}, {"."}} {
		var odd tree
		for _, p := range paths {
			odd.text(p, "")
		}
		if _, err := odd.sorted(); err == nil {
			t.Errorf("%q is taken", paths)
		}
	}
}

func TestFoldersThatDifferAreNoticed(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	write := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := compareFolders(a, b, io.Discard); err == nil {
		t.Error("nothing at all is taken for two same builds")
	}
	write(a, "one", "text")
	write(b, "one", "text")
	if err := compareFolders(a, b, io.Discard); err != nil {
		t.Error(err)
	}
	write(b, "one", "tEXt")
	if err := compareFolders(a, b, io.Discard); err == nil || err.Error() != errDiffer.Error()+": one" {
		t.Errorf("another text: %v", err)
	}
	write(b, "one", "text")
	write(b, "two", "")
	if err := compareFolders(a, b, io.Discard); err == nil {
		t.Error("another file is not noticed")
	}
}
