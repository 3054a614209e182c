package host

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Confinement keeps the plugins of some refs to a part of the file system, with
// Landlock. They may change only their run folder and Paths. They may read and
// execute, besides, the folders of the system (not home folders, not /var), the
// folder their plugin file was placed in, and their own binary; never the
// daemon's state. A kernel without Landlock starts none of them.
type Confinement struct {
	// Ref is a glob over refs, as path.Match reads it: "stress_*:*".
	Ref string
	// Paths are absolute: files, or folders with all beneath them. One that is
	// not there allows nothing.
	Paths []string
}

// ParseConfinement reads "ref-glob=/path,/path", or "ref-glob" alone.
func ParseConfinement(s string) (Confinement, error) {
	ref, list, listed := strings.Cut(s, "=")
	if err := checkGlob(ref); err != nil {
		return Confinement{}, err
	}
	c := Confinement{Ref: ref}
	if !listed || list == "" {
		return c, nil
	}
	for p := range strings.SplitSeq(list, ",") {
		if !filepath.IsAbs(p) {
			return Confinement{}, fmt.Errorf("%q is not an absolute path", p)
		}
		c.Paths = append(c.Paths, filepath.Clean(p))
	}
	return c, nil
}

// checkGlob says what is wrong with a pattern for refs.
func checkGlob(ref string) error {
	if ref == "" {
		return errors.New("a pattern for refs is missing")
	}
	if _, err := path.Match(ref, ""); err != nil {
		return fmt.Errorf("%q is not a pattern for refs: %w", ref, err)
	}
	return nil
}

// cage is what confines one process besides what confines all.
type cage struct {
	// confined has Landlock put on; write is what may be changed then, besides
	// the run folder.
	confined bool
	write    []string
	// user, if set, is who the process runs as.
	user *Identity
}

// cageOf returns what is configured for a ref. What is asked to describe itself
// has no ref yet: it must not get more than any run of it might, so it is
// confined as soon as some plugin is, and runs as the first user there is.
func (c Config) cageOf(ref engine.Ref) cage {
	matches := func(glob string) bool {
		ok, err := path.Match(glob, string(ref))
		return ref == "" || (err == nil && ok)
	}
	var k cage
	for _, f := range c.Confine {
		if !matches(f.Ref) {
			continue
		}
		k.confined = true
		if ref != "" {
			k.write = append(k.write, f.Paths...)
		}
	}
	if i := slices.IndexFunc(c.RunAs, func(i Identity) bool { return matches(i.Ref) }); i >= 0 {
		k.user = &c.RunAs[i]
	}
	return k
}

// systemFolders are what a confined process may read and execute from: programs,
// libraries, settings, and what looking up names and checking certificates
// needs. Links are followed. /dev is not among them: a disk's node would lead
// around all rules.
var systemFolders = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/proc", "/sys", "/run",
	"/nix/store", "/var/lib/ca-certificates",
	"/etc/resolv.conf", "/etc/hosts", "/etc/localtime", "/etc/ssl/certs",
	"/dev/random", "/dev/urandom",
}

// systemSinks are the devices a confined process may write to.
var systemSinks = []string{"/dev/null", "/dev/zero", "/dev/full"}

// hiding returns the hidden paths with their links resolved, and an error if one
// of the paths that are given to a plugin would show them.
func (c Config) hiding() ([]string, error) {
	var hidden []string
	for _, p := range append([]string{c.StateDir}, c.Hidden...) {
		hidden = append(hidden, resolved(p))
	}
	for _, f := range c.Confine {
		for _, p := range f.Paths {
			for _, h := range hidden {
				if beneath(h, resolved(p)) || beneath(resolved(p), h) {
					return nil, fmt.Errorf("host: %s can't be given to the plugins %s: the daemon's own %s is there", p, f.Ref, h)
				}
			}
		}
	}
	return hidden, nil
}

// apart fails for a path that shows something hidden.
func (h *Host) apart(path string) error {
	for _, hidden := range h.hidden {
		if beneath(hidden, path) || beneath(path, hidden) {
			return fmt.Errorf("it leads to %s, where the daemon's own %s is", path, hidden)
		}
	}
	return nil
}

// around returns paths that together show all of root but what is hidden.
func around(root string, hidden []string) []string {
	root = resolved(root)
	inside := slices.DeleteFunc(slices.Clone(hidden), func(h string) bool { return !beneath(h, root) && !beneath(root, h) })
	if len(inside) == 0 {
		return []string{root}
	}
	if slices.ContainsFunc(inside, func(h string) bool { return beneath(root, h) }) {
		return nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil // what can't be listed is not shown
	}
	var shown []string
	for _, e := range entries {
		if e.Type()&os.ModeSymlink == 0 { // where a link leads must be shown by itself
			shown = append(shown, around(filepath.Join(root, e.Name()), inside)...)
		}
	}
	return shown
}

// beneath says whether path is dir or in it.
func beneath(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// resolved is a path without links, or as it is when it can't be resolved.
func resolved(p string) string {
	if target, err := filepath.EvalSymlinks(p); err == nil {
		return target
	}
	return filepath.Clean(p)
}
