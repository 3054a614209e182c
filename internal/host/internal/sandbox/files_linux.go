//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// judgeFiles lets a call go on that changes only what the processes may change, or
// that will fail anyway.
func (r *request) judgeFiles(c call) verdict {
	var outside []Attempt
	for _, at := range r.places(c) {
		path, err := r.file(at)
		switch {
		case errors.Is(err, unix.EFAULT), errors.Is(err, unix.ENAMETOOLONG), errors.Is(err, unix.ELOOP), errors.Is(err, unix.ESRCH):
			return goOn() // the kernel says the same
		case errors.Is(err, os.ErrPermission) && r.policy.Held && !c.attributes:
			return goOn()
		case errors.Is(err, os.ErrPermission):
			return refuse(unix.EACCES, Write, "a path "+unreadable)
		case err != nil:
			return refuse(unix.EACCES, Write, "a path that can't be read: "+err.Error())
		}
		there := exists(path)
		if at.state == present && !there || at.state == missing && there {
			return goOn()
		}
		if !r.mayChange(path, c.opens) {
			outside = append(outside, Attempt{Write, path})
		}
	}
	switch {
	case len(outside) == 0:
		return goOn()
	case strings.Contains(outside[0].What, "/__pycache__"):
		return quietly(unix.EACCES) // Python keeps what it has compiled, or goes without
	}
	return verdict{unix.EACCES, outside}
}

// places are those of a call. The flags of open(2) say what it needs.
func (r *request) places(c call) []place {
	if !c.opens || c.when == 0 {
		return c.files
	}
	at, flags := c.files[0], r.number(c.flags)
	create, exclusive := flags&unix.O_CREAT != 0, flags&unix.O_EXCL != 0
	switch {
	case create && exclusive:
		at.state = missing
	case create:
		at.state = whatever
	}
	if flags&unix.O_NOFOLLOW == 0 && (!create || !exclusive) {
		at.link = followed
	}
	return []place{at}
}

// file returns the path of a file that a call names, without links but one at the
// end that the call doesn't follow. What has no path, such as a pipe, is returned
// by its name, which does not begin with a slash.
func (r *request) file(at place) (string, error) {
	path := ""
	if at.path != itself && r.args[at.path] != 0 {
		var err error
		if path, err = r.text(r.args[at.path]); err != nil {
			return "", err
		}
	}
	base, err := r.folder(at)
	if err != nil && !filepath.IsAbs(path) {
		return "", err
	}
	if path == "" { // the descriptor itself (AT_EMPTY_PATH)
		return base, nil
	}
	return r.resolve(base, path, r.follows(at))
}

// folder is where a path begins that is not absolute.
func (r *request) folder(at place) (string, error) {
	link := "cwd"
	if at.dir != cwd && r.number(at.dir) != unix.AT_FDCWD {
		link = "fd/" + strconv.Itoa(r.number(at.dir))
	}
	base, err := os.Readlink(r.proc(link))
	if errors.Is(err, os.ErrNotExist) {
		return "", unix.ESRCH // no such descriptor either
	}
	return base, err
}

func (r *request) follows(at place) bool {
	switch at.link {
	case followed:
		return true
	case followedUnless:
		return r.args[at.flags]&unix.AT_SYMLINK_NOFOLLOW == 0
	case followedIf:
		return r.args[at.flags]&unix.AT_SYMLINK_FOLLOW != 0
	case kept:
	}
	return false
}

// maxLinks is how many links a path may lead over (path_resolution(7)).
const maxLinks = 40

// descriptor is a link to what a process has open, which need not be a path.
var descriptor = regexp.MustCompile(`^/proc/\d+(/task/\d+)?/fd/\d+$`)

// resolve follows the links of a path as the caller sees it.
func (r *request) resolve(base, path string, follow bool) (string, error) {
	at := base
	if filepath.IsAbs(path) {
		at = "/"
	}
	rest := names(path)
	follow = follow || strings.HasSuffix(path, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		next := r.own(filepath.Join(at, name)) // of ".." too: at has no links
		target, err := os.Readlink(next)
		if err != nil || len(rest) == 0 && !follow {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", unix.ELOOP
		}
		if descriptor.MatchString(next) && !filepath.IsAbs(target) {
			return target, nil
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(names(target), rest...)
	}
	return at, nil
}

// names are the parts of a path.
func names(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" || s == "." })
}

// own is a path with the links of /proc that lead each process to itself replaced
// by where they lead the caller.
func (r *request) own(path string) string {
	switch path {
	case "/proc/self":
		return "/proc/" + strconv.Itoa(r.process())
	case "/proc/thread-self":
		return "/proc/" + strconv.Itoa(r.process()) + "/task/" + strconv.Itoa(int(r.tid))
	}
	return path
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil || !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ENOTDIR)
}

// sinks may be opened for writing: what goes there changes nothing that lasts.
var sinks = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/pts/ptmx",
}

// mayChange says whether a process may change a file, without links in its path.
func (r *request) mayChange(path string, opens bool) bool {
	switch {
	case !strings.HasPrefix(path, "/"), strings.HasPrefix(path, "/memfd:"):
		return true // it is in no file system
	case path == r.policy.Own, strings.HasPrefix(path, r.policy.Own+"/"):
		return true
	case !opens:
		return false
	case slices.Contains(sinks, path), strings.HasPrefix(path, "/dev/pts/"):
		return true
	}
	pid, ok := processOf(path)
	return ok && (pid == r.process() || r.policy.Mine(pid))
}

// processOf returns whose settings a path in /proc is about.
func processOf(path string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(path, "/proc/")
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, "/")
	pid, err := strconv.Atoi(number)
	return pid, err == nil
}
