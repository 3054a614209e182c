package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

const (
	longestScript     = 1 << 20
	longestUndoScript = 40 << 10 // its content is part of the undo record
)

// script is a file of the scripts folder.
type script struct {
	name    string // as the args have it
	content []byte
}

// errOutside is returned for a path that leads out of the scripts folder.
var errOutside = errors.New("leads out of the scripts folder")

// scripts are the scripts of the args; undo is nil where there is none.
type scripts struct {
	main script
	undo *script
}

// readScripts reads both.
func readScripts(args scriptArgs) (scripts, error) {
	var s scripts
	var err error
	if s.main, err = readScript("/local_script", args.LocalScript, longestScript); err != nil || args.UndoScript == "" {
		return s, err
	}
	undo, err := readScript("/undo_script", args.UndoScript, longestUndoScript)
	s.undo = &undo
	return s, err
}

// readScript reads a script of the folder. What is wrong is about the member of
// the args at the pointer.
func readScript(pointer, name string, longest int) (script, error) {
	content, err := readIn(sdk.ScriptsFolder(), name, longest)
	if err != nil {
		return script{}, sdk.Invalid(pointer, "the script %q %w", name, err)
	}
	if line, _, _ := bytes.Cut(content, []byte("\n")); bytes.HasPrefix(line, []byte("#!")) && bytes.HasSuffix(line, []byte("\r")) {
		return script{}, sdk.Invalid(pointer, "the first line of the script %q ends as on Windows (CRLF), so its interpreter would not be found; "+
			"convert the file with: sed -i 's/\\r$//'", name)
	}
	return script{name: name, content: content}, nil
}

// readIn reads a file below a folder. The errors go on after the file's name.
func readIn(folder, name string, longest int) ([]byte, error) {
	if folder == "" {
		return nil, errors.New("can't be read: the daemon has no scripts folder that it trusts (--scripts-folder)")
	}
	inside, err := relative(folder, name)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, unopened(folder, inside, err)
	}
	defer func() { _ = root.Close() }()
	file, err := root.OpenFile(inside, readAtOnce, 0)
	if err != nil {
		return nil, unopened(folder, inside, err)
	}
	return readRegular(file, longest)
}

// readAtOnce opens a file without waiting for the other end of a pipe.
const readAtOnce = os.O_RDONLY | syscall.O_NONBLOCK

// readRegular reads a file that is one, and closes it. The errors go on after its
// name.
func readRegular(file *os.File, longest int) ([]byte, error) {
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("can't be read: %w", err)
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	content, err := io.ReadAll(io.LimitReader(file, int64(longest)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("can't be read: %w", err)
	case len(content) > longest:
		return nil, fmt.Errorf("is larger than %d KiB", longest>>10)
	}
	return content, nil
}

// relative is the path of a file as seen from the folder, which an absolute path
// may lie in.
func relative(folder, name string) (string, error) {
	if filepath.IsAbs(name) {
		inside, err := filepath.Rel(folder, name)
		if err != nil {
			return "", errOutside
		}
		name = inside
	}
	if !filepath.IsLocal(name) {
		return "", errOutside
	}
	return name, nil
}

// unopened says why a file could not be opened.
func unopened(folder, inside string, err error) error {
	if why, ok := errors.AsType[*fs.PathError](err); ok {
		err = why.Err
	}
	switch {
	case leadsOut(folder, inside):
		return fmt.Errorf("%w, by a link", errOutside)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("is not in the scripts folder %s", folder)
	default:
		return fmt.Errorf("can't be read in the scripts folder %s: %w", folder, err)
	}
}

// leadsOut says whether links lead a path out of the folder.
func leadsOut(folder, inside string) bool {
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	target, err := filepath.EvalSymlinks(filepath.Join(root, inside))
	return err == nil && target != root && !strings.HasPrefix(target, root+string(filepath.Separator))
}

// inFolder refuses a path that by its words alone leads out of the folder.
func inFolder(pointer, name string) error {
	if folder := sdk.ScriptsFolder(); folder == "" && filepath.IsAbs(name) {
		return nil // nobody can tell
	} else if _, err := relative(folder, name); err != nil {
		return sdk.Invalid(pointer, "the script %q %w", name, err)
	}
	return nil
}
