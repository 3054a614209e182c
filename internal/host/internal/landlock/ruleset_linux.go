package landlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a rule may allow.
const (
	readable = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_EXECUTE
	// device nodes are left out of what can be written: one of a disk leads
	// around all rules.
	writable = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// onFiles is what can be said of something that is no folder.
	onFiles = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// handled is what a version of the interface controls. Renaming between folders
// is forbidden before version 2, truncation is free before version 3, ioctls of
// devices are before version 5.
func handled(abi int) uint64 {
	rights := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM)<<1 - 1 // all of version 1
	for _, added := range []struct {
		abi   int
		right uint64
	}{
		{2, unix.LANDLOCK_ACCESS_FS_REFER},
		{3, unix.LANDLOCK_ACCESS_FS_TRUNCATE},
		{5, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
	} {
		if abi >= added.abi {
			rights |= added.right
		}
	}
	return rights
}

// Version returns the version of the kernel's interface. ErrUnsupported when it
// has none.
func Version() (int, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errno == unix.ENOSYS || errno == unix.EOPNOTSUPP:
		return 0, ErrUnsupported
	case errno != 0:
		return 0, fmt.Errorf("ask for the version of Landlock: %w", errno)
	}
	return int(abi), nil
}

// Ruleset is a list of what is allowed.
type Ruleset struct {
	fd     int
	rights uint64
}

// New returns a ruleset that allows nothing. ErrUnsupported when the kernel has
// no Landlock. Close it.
func New() (*Ruleset, error) {
	abi, err := Version()
	if err != nil {
		return nil, err
	}
	rights := handled(abi)
	attr := struct{ fs, net, scoped uint64 }{fs: rights} // struct landlock_ruleset_attr
	// The kernel takes a shorter struct, and refuses a longer one than it knows
	// if what is beyond is set.
	size := unsafe.Sizeof(attr.fs)
	if abi >= 6 {
		// Without this it could end the daemon.
		attr.scoped, size = unix.LANDLOCK_SCOPE_SIGNAL, unsafe.Sizeof(attr)
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr)), size, 0) //nolint:gosec // how the kernel is called
	if errno != 0 {
		return nil, fmt.Errorf("make a Landlock ruleset: %w", errno)
	}
	return &Ruleset{fd: int(fd), rights: rights}, nil
}

// Read allows reading and executing a file, or all beneath a folder.
func (r *Ruleset) Read(path string) error { return r.allow(path, readable, nil) }

// Write allows reading, executing and changing a file, or all beneath a folder.
func (r *Ruleset) Write(path string) error { return r.allow(path, readable|writable, nil) }

// WriteIf is Write if where the path leads now is agreed to: whoever may change
// what is above it may have made it lead elsewhere.
func (r *Ruleset) WriteIf(path string, agree func(target string) error) error {
	return r.allow(path, readable|writable, agree)
}

// allow adds a rule. A path that is not there needs none.
func (r *Ruleset) allow(path string, rights uint64, agree func(target string) error) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	defer unix.Close(fd) //nolint:errcheck // nothing is written to it
	if agree != nil {
		target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)) // of what was opened, whatever becomes of the path
		if err == nil {
			err = agree(target)
		}
		if err != nil {
			return fmt.Errorf("allow %s: %w", path, err)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= onFiles
	}
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: rights & r.rights, Parent_fd: int32(fd)} //nolint:gosec // a file descriptor
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&beneath)), 0, 0, 0) //nolint:gosec // how the kernel is called
	if errno != 0 {
		return fmt.Errorf("allow %s: %w", path, errno)
	}
	return nil
}

// RestrictThread puts the rules on the calling thread, for good. The caller has
// locked it, has set no_new_privs on it, and lets it end with its goroutine.
func (r *Ruleset) RestrictThread() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0); errno != 0 {
		return fmt.Errorf("put Landlock on a thread: %w", errno)
	}
	return nil
}

// Close frees the ruleset. Threads that it was put on stay restricted.
func (r *Ruleset) Close() error { return unix.Close(r.fd) }
