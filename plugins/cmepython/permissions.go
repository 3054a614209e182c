package cmepython

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// exposure is a file or folder that lets others than root decide what root would
// execute.
type exposure struct {
	path     string
	mode     fs.FileMode
	uid, gid uint32
}

func (e *exposure) Error() string {
	mend := fmt.Sprintf("chmod -R go-w '%s'", e.path)
	if e.uid != 0 {
		mend = fmt.Sprintf("chown -R root:root '%s' && %s", e.path, mend)
	}
	return fmt.Sprintf("modules are not executed by root where others can write to %s (mode %04o, owner %d:%d); mend it: %s",
		e.path, e.mode.Perm(), e.uid, e.gid, mend)
}

func isExposure(err error) bool {
	var e *exposure
	return errors.As(err, &e)
}

// exposedModules returns what is wrong with the folder of modules, the folders
// above it, or anything in it, if this process is root's; nil if nothing is, or
// nothing is there.
func exposedModules(folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if e := exposedTree(folder, mostLinks); e != nil {
		return e
	}
	return nil
}

// mostLinks is how many links a path may lead over (path_resolution(7)).
const mostLinks = 40

// exposedTree judges a path, the way to it, and all beneath it. Links are judged
// by where they are and by where they lead.
func exposedTree(path string, links int) *exposure {
	if e := exposedWay(path, links); e != nil {
		return e
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil // nothing is there
	}
	var found *exposure
	_ = filepath.WalkDir(target, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what root can't look at, root can't execute
		case entry.Type()&fs.ModeSymlink == 0:
			found = exposed(at)
		case links > 0 && at != target:
			found = exposedLink(at, target, links-1)
		}
		if found != nil {
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// exposedLink judges a link in a tree. One that stays in there is judged with
// the rest.
func exposedLink(at, tree string, links int) *exposure {
	target, err := filepath.EvalSymlinks(at)
	if err != nil {
		return nil
	}
	if rest, err := filepath.Rel(tree, target); err == nil && filepath.IsLocal(rest) {
		return exposedWay(at, links)
	}
	if info, err := os.Stat(target); err == nil && !info.IsDir() {
		return exposedWay(at, links)
	}
	return exposedTree(at, links)
}

// exposedWay judges a path and each folder and link that it leads over. Where
// others can make a link lead elsewhere, they choose what root executes.
func exposedWay(path string, links int) *exposure {
	for at := path; ; at = filepath.Dir(at) {
		// With the sticky bit only owners rename and remove what is in a
		// folder (inode(7)).
		if e := exposed(at); e != nil && (at == path || e.mode&fs.ModeSticky == 0 || e.uid != 0) {
			return e
		}
		if target, err := os.Readlink(at); err == nil && links > 0 {
			if !filepath.IsAbs(target) {
				above, err := filepath.EvalSymlinks(filepath.Dir(at))
				if err != nil {
					return nil
				}
				target = filepath.Join(above, target)
			}
			rest, _ := filepath.Rel(at, path)
			if e := exposedWay(filepath.Join(target, rest), links-1); e != nil {
				return e
			}
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// exposed judges one file or folder. A link can't be written to, and what is not
// there is not executed.
func exposed(path string) *exposure {
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode()&fs.ModeSymlink != 0 && st.Uid == 0 {
		return nil // the mode of a link means nothing (symlink(7))
	}
	mode := info.Mode().Perm()
	if st.Uid == 0 && mode&0o002 == 0 && (mode&0o020 == 0 || st.Gid == 0) {
		return nil
	}
	return &exposure{path: path, mode: mode | info.Mode()&fs.ModeSticky, uid: st.Uid, gid: st.Gid}
}
