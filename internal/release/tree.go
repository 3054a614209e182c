package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The modes of what is installed; those of the files it is made of don't count.
const (
	programMode = 0o755
	fileMode    = 0o644
	folderMode  = fs.ModeDir | 0o755
)

// entry is a file or folder of what is installed.
type entry struct {
	path string // with slashes, relative
	mode fs.FileMode
	// A file is a copy of the one at from, or has the text if that is not "".
	from, text string
}

// tree is what is installed. Its order is not important until sorted.
type tree struct{ entries []entry }

func (t *tree) folder(at string, mode fs.FileMode) {
	t.entries = append(t.entries, entry{path: at, mode: fs.ModeDir | mode})
}

func (t *tree) file(at, from string, mode fs.FileMode) {
	t.entries = append(t.entries, entry{path: at, mode: mode, from: from})
}

func (t *tree) text(at, text string) {
	t.entries = append(t.entries, entry{path: at, mode: fileMode, text: text})
}

// folderOf puts all regular files below the folder from into the folder at, but for
// dot-files and those that skip names.
func (t *tree) folderOf(at, from string, mode fs.FileMode, skip func(name string) bool) error {
	before := len(t.entries)
	err := filepath.WalkDir(from, func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file == from:
			return nil
		case strings.HasPrefix(e.Name(), "."), skip != nil && !e.IsDir() && skip(e.Name()):
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case !e.IsDir() && !e.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", file)
		case !e.IsDir():
			relative, err := filepath.Rel(from, file)
			if err != nil {
				return err
			}
			t.file(path.Join(at, filepath.ToSlash(relative)), file, mode)
		}
		return nil
	})
	if err == nil && len(t.entries) == before {
		err = fmt.Errorf("there is nothing in %s", from)
	}
	return err
}

// sorted returns all entries in the order of their paths, with the folders that
// only the paths of others name, so that a folder comes before what is in it.
func (t *tree) sorted() ([]entry, error) {
	all := slices.Clone(t.entries)
	seen := map[string]bool{}
	for _, e := range t.entries {
		if seen[e.path] || !fs.ValidPath(e.path) || e.path == "." {
			return nil, fmt.Errorf("%q is twice in the tree, or no path", e.path)
		}
		seen[e.path] = true
	}
	for _, e := range t.entries {
		for dir := path.Dir(e.path); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			all = append(all, entry{path: dir, mode: folderMode})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	return all, nil
}

// content is what is in the file of an entry.
func (e entry) content() ([]byte, error) {
	if e.from == "" {
		return []byte(e.text), nil
	}
	return os.ReadFile(e.from)
}

// write makes the tree in a folder that is not there yet.
func (t *tree) write(dir string) error {
	entries, err := t.sorted()
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // G301: it becomes the root of an image
		return err
	}
	for _, e := range entries {
		if err := e.write(filepath.Join(dir, filepath.FromSlash(e.path))); err != nil {
			return err
		}
	}
	return nil
}

// write makes the file or folder. The umask does not count.
func (e entry) write(at string) error {
	if e.mode.IsDir() {
		if err := os.Mkdir(at, 0o700); err != nil {
			return err
		}
		return os.Chmod(at, e.mode)
	}
	content, err := e.content()
	if err != nil {
		return err
	}
	if err := os.WriteFile(at, content, 0o600); err != nil {
		return err
	}
	return os.Chmod(at, e.mode)
}
