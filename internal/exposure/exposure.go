// Package exposure finds what lets others than root decide what root would execute:
// a file or folder that they can write to, on the way to a path or beneath it. The
// host asks it about plugins and scripts, the bridge to Python about modules; what
// becomes of what is exposed is for them to say.
//
// It judges what is there now, by owners and modes alone, and changes nothing. What
// is not there, or can't be looked at, is not exposed: root can't execute it either.
// Whether this process is root's does not count: ask only when it is.
package exposure

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Exposure is a file or folder that others than root can write to.
type Exposure struct {
	Path string
	// Mode has the permission bits, and the sticky bit.
	Mode     fs.FileMode
	UID, GID uint32
}

// String names the file with its mode and owner.
func (e *Exposure) String() string {
	return fmt.Sprintf("%s (mode %04o, owner %d:%d)", e.Path, e.Mode.Perm(), e.UID, e.GID)
}

// Remedy is the shell command that closes it, and with all also what is beneath it.
func (e *Exposure) Remedy(all bool) string {
	option := ""
	if all {
		option = "-R "
	}
	path := "'" + strings.ReplaceAll(e.Path, "'", `'\''`) + "'" // others may have named it
	mend := fmt.Sprintf("chmod %sgo-w %s", option, path)
	if e.UID != 0 {
		mend = fmt.Sprintf("chown %sroot:root %s && %s", option, path, mend)
	}
	return mend
}

// maxLinks is how many links a path may lead over (path_resolution(7)).
const maxLinks = 40

// Way judges a path and the folders above it, and returns what is exposed, nil if
// nothing is. Links on the way are judged by where they are and by where they lead.
func Way(path string) *Exposure { return way(path, maxLinks) }

// File is Way for a file in a folder that was found good: only where it is a link,
// the way to its target is judged too.
func File(path string) *Exposure {
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return one(path)
	}
	return Way(path)
}

// way judges a path and each folder and link that it leads over. Where others can
// make a link lead elsewhere, they choose among all programs of root's.
func way(path string, links int) *Exposure {
	for at := path; ; at = filepath.Dir(at) {
		// With the sticky bit only owners rename and remove what is in a
		// folder (inode(7)).
		if e := one(at); e != nil && (at == path || e.Mode&fs.ModeSticky == 0 || e.UID != 0) {
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
			if e := way(filepath.Join(target, rest), links-1); e != nil {
				return e
			}
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// one judges one file or folder. A link can't be written to.
func one(path string) *Exposure {
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
	return &Exposure{Path: path, Mode: mode | info.Mode()&fs.ModeSticky, UID: st.Uid, GID: st.Gid}
}
