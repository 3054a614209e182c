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
	if filepath.IsAbs(d.cfg.cgroup) {
		if err := isFolder(d.cfg.cgroup); err != nil {
			return fmt.Errorf("look at the cgroup of the runs (--cgroup): %w", err)
		}
	}
	folder := filepath.Dir(d.cfg.haltFile)
	if err := isFolder(folder); err != nil && !d.cfg.comesWithState(folder) {
		return usagef("--%s: the folder of the halt file: %w", optHaltFile, err)
	}
	if d.cfg.socket == noSocket {
		return nil
	}
	_, err := checkSocketPlace(d.cfg.socket)
	if errors.Is(err, fs.ErrNotExist) && d.cfg.comesWithState(filepath.Dir(d.cfg.socket)) {
		return nil
	}
	return err
}

// comesWithState says whether a folder is the state folder or one above it, which
// may still have to be made and are there once the state folder is.
func (c *config) comesWithState(folder string) bool {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	state, err := filepath.Abs(c.stateDir)
	if err != nil {
		return false
	}
	below, err := filepath.Rel(folder, state)
	return err == nil && filepath.IsLocal(below)
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
