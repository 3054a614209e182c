package host

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/cgroup"
	"github.com/chaos-monkey-engine/cmed/internal/host/internal/landlock"
)

// The values of Config.Cgroup that are not paths.
const (
	cgroupAuto = "auto"
	cgroupOff  = "off"
)

// checkIsolation completes what the config says of isolation, or says what is
// wrong with it.
func (c *Config) checkIsolation() error {
	if c.Cgroup == "" {
		c.Cgroup = cgroupAuto
	}
	if c.Cgroup != cgroupAuto && c.Cgroup != cgroupOff && !filepath.IsAbs(c.Cgroup) {
		return fmt.Errorf("host: cgroup %q is neither %s nor %s nor an absolute path", c.Cgroup, cgroupAuto, cgroupOff)
	}
	if c.RunMemory < 0 || c.RunPids < 0 {
		return errors.New("host: a bound of memory or processes can't be negative")
	}
	if len(c.RunAs) > 0 && !canChangeUser() {
		return errors.New("host: only root on Linux can run plugins as other users")
	}
	return nil
}

// openTree makes the cgroup for the processes of this store's hosts. Nil where
// there is to be none; an error only if one was asked for by its path.
func (c Config) openTree() (*cgroup.Tree, error) {
	if c.Cgroup == cgroupOff {
		return nil, nil
	}
	parent := c.Cgroup
	var err error
	if parent == cgroupAuto {
		parent, err = cgroup.Find()
	}
	var tree *cgroup.Tree
	if err == nil {
		tree, err = cgroup.Open(parent, "cmed-"+c.StoreID)
	}
	if err != nil && c.Cgroup != cgroupAuto {
		return nil, fmt.Errorf("host: cgroup %s: %w", c.Cgroup, err)
	}
	if err != nil {
		c.Logger.Info("plugins get no cgroups of their own, so their memory and processes are not bounded", "reason", err)
		return nil, nil //nolint:nilnil // no tree is no error: cgroups are used where they are delegated
	}
	err = tree.Limit(cgroup.Limits{Memory: c.RunMemory, Processes: c.RunPids})
	if err != nil && (c.RunMemory > 0 || c.RunPids > 0) {
		c.Logger.Warn("what plugins use is not bounded as configured", "memory", c.RunMemory, "pids", c.RunPids, "reason", err)
	}
	return tree, nil
}

// closeTree removes the cgroup. It is not empty if a process could not be ended.
func (h *Host) closeTree() {
	if h.tree == nil {
		return
	}
	if err := h.tree.Close(); err != nil {
		h.log.Warn("the cgroup of the plugins can't be removed", "error", err)
	}
}

// prepareIsolation finds out once what is the same for all processes, and logs
// what can't be had.
func (h *Host) prepareIsolation() {
	if err := h.spawner.hardened; err != nil {
		h.log.Warn("plugins are isolated less than they should be", "error", err)
	}
	if len(h.cfg.Confine) == 0 {
		return
	}
	if _, err := landlock.Version(); err != nil {
		h.log.Error("plugins that are to be confined will not be started", "error", err)
	}
	for _, folder := range systemFolders {
		h.shown = append(h.shown, around(folder, h.hidden)...)
	}
}

// reportIdlePatterns warns of what is configured for refs that nobody offers: one
// that is misspelt, or an alias, leaves a plugin unconfined.
func (h *Host) reportIdlePatterns() {
	report := func(option, glob string) {
		for _, kind := range []engine.Kind{engine.KindAttack, engine.KindPlanner} {
			for _, o := range h.Offers(kind) {
				if ok, err := path.Match(glob, string(o.Ref)); err == nil && ok {
					return
				}
			}
		}
		h.log.Warn("an isolation is configured for refs that no plugin offers", "option", option, "refs", glob)
	}
	for _, c := range h.cfg.Confine {
		report("--confine", c.Ref)
	}
	for _, i := range h.cfg.RunAs {
		report("--run-as", i.Ref)
	}
}

// cageOf returns what confines the calls of a ref. What describes itself is not
// confined where nothing can be: what must be confined is not started later.
func (h *Host) cageOf(ref engine.Ref) cage {
	k := h.cfg.cageOf(ref)
	if ref == "" && k.confined {
		_, err := landlock.Version()
		k.confined = err == nil
	}
	return k
}

// rules returns what a confined process may do.
func (h *Host) rules(cmd command) (*landlock.Ruleset, error) {
	r, err := landlock.New()
	if err != nil {
		return nil, &startError{
			stage: "isolation", message: "must be confined and can't be: " + err.Error(), cause: err,
			hint: "without --confine for it, it runs unconfined",
		}
	}
	read := append([]string{cmd.path}, h.shown...)
	if cmd.own != "" {
		read = append(read, around(cmd.own, h.hidden)...)
	}
	if scripts := h.scriptsFolder(); scripts != "" {
		read = append(read, around(scripts, h.hidden)...)
	}
	write := append([]string{cmd.dir}, systemSinks...)
	for _, p := range read {
		err = errors.Join(err, r.Read(p))
	}
	for _, p := range write {
		err = errors.Join(err, r.Write(p))
	}
	for _, p := range cmd.cage.write {
		err = errors.Join(err, r.WriteIf(p, h.apart))
	}
	if err != nil {
		_ = r.Close()
		return nil, &startError{stage: "isolation", message: "can't be confined: " + err.Error(), cause: err}
	}
	return r, nil
}

// sandboxRules returns rules that let a process read everything and change what a
// sandbox lets it change; nil where the kernel has no Landlock. What the sandbox has
// looked at can be another file when the kernel does the call: this holds then too,
// though nobody is told.
func sandboxRules(cmd command) (*landlock.Ruleset, error) {
	r, err := landlock.New()
	if errors.Is(err, landlock.ErrUnsupported) {
		return nil, nil //nolint:nilnil // the sandbox alone must do
	}
	if err != nil {
		return nil, err
	}
	err = r.Read("/")
	for _, p := range append([]string{cmd.dir, "/proc", "/dev/tty", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/pts"}, systemSinks...) {
		err = errors.Join(err, r.Write(p))
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// folderOf is the folder of a path, "" for no path.
func folderOf(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Dir(path)
}
