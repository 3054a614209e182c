package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkPlaces refuses what can't work before anything is made: a start that was
// called with a wrong option must not leave a store behind. The port is taken. What
// is found out here is looked at again when it is used.
func (d *daemon) checkPlaces() error {
	if _, err := os.Stat(d.cfg.database); errors.Is(err, fs.ErrNotExist) {
		if err := d.checkWithoutKeys(false); err != nil {
			return err
		}
	}
	if err := canBeMade(d.cfg.stateDir); err != nil {
		return fmt.Errorf("make the state folder (--state-folder): %w", err)
	}
	if !d.cfg.isInState(d.cfg.haltFile) {
		if err := isFolder(filepath.Dir(d.cfg.haltFile)); err != nil {
			return usagef("--%s: the folder of the halt file: %w", optHaltFile, err)
		}
	}
	if d.cfg.socket == noSocket || d.cfg.isInState(d.cfg.socket) {
		return nil
	}
	_, err := checkSocketPlace(d.cfg.socket)
	return err
}

// isInState says whether a path is one in the state folder, which may still have
// to be made.
func (c *config) isInState(path string) bool {
	return filepath.Dir(filepath.Clean(path)) == filepath.Clean(c.stateDir)
}

// canBeMade returns why a folder that may have to be made can't be: what there is
// of its path ends in no folder, or in one that this user may not write in.
func canBeMade(folder string) error {
	for at := filepath.Clean(folder); ; at = filepath.Dir(at) {
		_, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at) {
			continue
		}
		if err == nil {
			err = isFolder(at)
		}
		if err == nil {
			err = mayWriteIn(at)
		}
		return err
	}
}

func isFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", path)
	}
	return err
}
