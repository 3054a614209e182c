package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// exposure is a file or folder that lets others than root decide what root would
// execute.
type exposure struct {
	path     string
	info     fs.FileInfo
	uid, gid uint32
}

// exposedFolder returns what is wrong with a plugin folder or a folder above it,
// nil if nothing is. Links on the way are judged by where they are and by where
// they lead.
func exposedFolder(dir string) *exposure { return exposedWay(dir, maxLinks) }

// maxLinks is how many links a path may lead over (path_resolution(7)).
const maxLinks = 40

// exposedWay judges a path and each folder and link that it leads over. Where
// others can make a link lead elsewhere, they choose among all programs of root's.
func exposedWay(path string, links int) *exposure {
	if e := exposed(path); e != nil {
		return e
	}
	for at := path; ; at = filepath.Dir(at) {
		// With the sticky bit only owners rename and remove what is in a
		// folder (inode(7)).
		if e := exposed(at); e != nil && (at == path || e.info.Mode()&fs.ModeSticky == 0 || e.uid != 0) {
			return e
		}
		if target, err := os.Readlink(at); err == nil && links > 0 {
			if !filepath.IsAbs(target) {
				target = filepath.Join(resolved(filepath.Dir(at)), target)
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

// exposedFile is exposedFolder for a file in a folder that was found good. Where
// it is a link, its target is judged with all folders above that.
func exposedFile(path string) *exposure {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return exposed(path)
	}
	return exposedWay(path, maxLinks)
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
	return &exposure{path: path, info: info, uid: st.Uid, gid: st.Gid}
}

// refusal is how the plugin list shows it; verdict is what becomes of what is
// exposed.
func (e *exposure) refusal(verdict string) *engine.PluginError {
	mend := fmt.Sprintf("chmod go-w '%s'", e.path)
	if e.uid != 0 {
		mend = fmt.Sprintf("chown root:root '%s' && %s", e.path, mend)
	}
	return &engine.PluginError{
		Stage: "permissions",
		Message: fmt.Sprintf("%s: others can write to %s (mode %04o, owner %d:%d)",
			verdict, e.path, e.info.Mode().Perm(), e.uid, e.gid),
		Hint: mend,
	}
}

// guard refuses candidates that others than root can change, if the host is
// root. It comes after every other refusal, and counts as a state of the file:
// when the permissions are mended, the file is looked into.
func guard(dir string, found []candidate) {
	if os.Geteuid() != 0 || len(found) == 0 {
		return
	}
	folder := exposedFolder(dir)
	for i := range found {
		c := &found[i]
		e := folder
		if e == nil {
			e = exposedFile(c.path)
		}
		if e != nil && c.refusal == nil {
			c.verdict, c.refusal = engine.PluginBroken, e.refusal("is not executed by root")
			c.stat += " " + c.refusal.Message
		}
	}
}
