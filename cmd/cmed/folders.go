package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// folder is one that the operator puts something into.
type folder struct {
	kind   string // of what, in the plural
	option string
	path   string
	named  bool // somebody chose it: it is not just the default
}

func (c *config) pluginFolders() []folder {
	return []folder{
		{"attacks", optAttacks, c.attacksDir, c.attacksNamed},
		{"planners", optPlanners, c.plannersDir, c.plannersNamed},
	}
}

// folders are those the daemon reads: of scripts only one that was named, since
// few need one.
func (c *config) folders() []folder {
	all := c.pluginFolders()
	if c.scriptsNamed {
		all = append(all, folder{"scripts", optScripts, c.scriptsDir, true})
	}
	return all
}

// check returns why the folder can't be read, fs.ErrNotExist when there is
// none.
func (f folder) check() error {
	err := readable(f.path)
	if err != nil {
		return fmt.Errorf("--%s: %w", f.option, err)
	}
	return nil
}

func readable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", path)
	}
	dir, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return err
	}
	_, err = dir.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		err = nil // it is empty
	}
	return errors.Join(err, dir.Close())
}

// checkForDaemon refuses a shutdown that cuts the undoing off, and folders that
// can never serve. One that is missing may still appear.
func checkForDaemon(c *config) error {
	if c.shutdownLimit <= c.stopGrace {
		return usagef("--shutdown-timeout (%s) must be longer than --stop-grace (%s): "+
			"at shutdown running attacks get their grace to stop and undo", c.shutdownLimit, c.stopGrace)
	}
	for _, f := range c.folders() {
		if err := f.check(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return usagef("%w", err)
		}
	}
	return nil
}

// checkForScan refuses folders that were asked for and can't be shown.
func checkForScan(cfg *config) error {
	var errs []error
	for _, f := range cfg.pluginFolders() {
		err := f.check()
		if errors.Is(err, fs.ErrNotExist) && !f.named {
			continue
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
