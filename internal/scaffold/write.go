package scaffold

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// room makes sure that the folder is there and empty. It returns how to take it
// away again: as it is and no more than was made.
func room(folder string) (takeAway func() error, err error) {
	if _, err := os.Lstat(folder); err == nil && !isFolder(folder) {
		return nil, refusef("%s is there and no folder: nothing is overwritten; take another name, or another folder with --dir", folder)
	}
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // source code, to be shared
			return nil, fmt.Errorf("make the folder: %w", err)
		}
		return func() error { return os.Remove(folder) }, nil
	case err != nil:
		return nil, fmt.Errorf("look at the folder: %w", err)
	case len(entries) > 0:
		return nil, refusef("%s is there and not empty (%s): nothing is overwritten; take another name, or another folder with --dir",
			folder, shortList(entries))
	}
	return func() error { return nil }, nil
}

// shortList names what is in a folder, the first of it at least.
func shortList(entries []os.DirEntry) string {
	const most = 5
	var list []string
	for _, e := range entries[:min(len(entries), most)] {
		list = append(list, e.Name())
	}
	if more := len(entries) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// writeAll writes the files into the folder, all or none.
func writeAll(folder string, files []File) error {
	takeAway, err := room(folder)
	if err != nil {
		return err
	}
	var made []string
	for _, f := range files {
		path := filepath.Join(folder, f.Name)
		if err = writeNew(path, f.text); err != nil {
			err = fmt.Errorf("write %s: %w", f.Name, err)
			break
		}
		made = append(made, path)
	}
	if err == nil {
		return nil
	}
	for _, path := range slices.Backward(made) {
		err = errors.Join(err, os.Remove(path))
	}
	return errors.Join(err, takeAway())
}

// writeNew writes a file that must not be there. One that can't be written whole is
// removed.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // source code, to be shared
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
