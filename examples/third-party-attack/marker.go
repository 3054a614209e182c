package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// marker is the file, and its undo record: all that a fresh process needs to
// take it away.
type marker struct {
	Path string `json:"path"`
	// Token is the file's content. It is the run's id, so a file with another
	// content is somebody else's.
	Token string `json:"token"`
}

// draft is where the file is written before it is put in place.
func (m marker) draft() string { return m.Path + "." + m.Token }

// place puts the file at its path, whole or not at all. It is an error when
// something is there.
func (m marker) place() error {
	if err := os.WriteFile(m.draft(), []byte(m.Token), 0o600); err != nil {
		return err
	}
	return errors.Join(os.Link(m.draft(), m.Path), os.Remove(m.draft()))
}

// room returns an error when something is where the marker is to be.
func (m marker) room() error {
	_, err := os.Lstat(m.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	default:
		return &fs.PathError{Op: "place", Path: m.Path, Err: fs.ErrExist}
	}
}

// remove takes the file away if it is ours. It may be called at any time: before
// the file was placed, when it was half placed, and again.
func (m marker) remove() (sdk.Outcome, error) {
	if err := os.Remove(m.draft()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return sdk.Retry, err
	}
	content, err := os.ReadFile(m.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sdk.NothingToDo, nil
	case err != nil:
		return sdk.Retry, err
	case string(content) != m.Token:
		return sdk.NotMine, nil
	}
	if err := os.Remove(m.Path); err != nil {
		return sdk.Retry, err
	}
	return sdk.Undone, nil
}
