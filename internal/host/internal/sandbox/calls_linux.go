//go:build amd64 || arm64

package sandbox

import (
	"maps"

	"golang.org/x/sys/unix"
)

// call is a system call that is judged. Arguments are named by their index.
type call struct {
	name string
	// files are what it would change. A call without, and without other, would
	// change the machine and is always refused.
	files []place
	// attributes is set for calls that change only what is said of a file: its
	// mode, owner, times and attributes. Landlock lets those go on.
	attributes bool
	// opens is set for calls that open a file.
	opens bool
	// With when set, the call is judged only if the argument flags has a bit of
	// those, and none of unless.
	flags        int
	when, unless uint32
	// other, if set, judges what is not about files.
	other func(*request) verdict
}

// What stands in the place of an argument.
const (
	cwd    = -1 // the current folder
	itself = -1 // the folder's descriptor is the file
)

// place is where a call names a file.
type place struct {
	// dir is the argument with a folder's descriptor, or cwd; path is the one
	// with the path's address, or itself.
	dir, path int
	// link says whether a link at the end is followed; flags is the argument
	// that decides.
	link  link
	flags int
	state state
}

// state says for which files a call does nothing but fail.
type state int

const (
	present  state = iota // it needs one that is there
	missing               // it needs one that is not there
	whatever              // it needs neither
)

// link says what becomes of a symbolic link at the end of a path.
type link int

const (
	kept link = iota
	followed
	followedUnless // AT_SYMLINK_NOFOLLOW
	followedIf     // AT_SYMLINK_FOLLOW
)

// withheld are calls that fail as on a kernel without them. Who uses them can do
// without: what they do is in memory where a filter can't see it, or names a file
// that has no path.
var withheld = []uint32{unix.SYS_OPENAT2, unix.SYS_IO_URING_SETUP, unix.SYS_OPEN_BY_HANDLE_AT}

// calls are those that are judged, by number: what all architectures have, and
// what only this one has.
var calls = func() map[uint32]call {
	all := map[uint32]call{
		unix.SYS_OPENAT:     {name: "openat", opens: true, flags: 2, when: opensToChange, unless: unix.O_PATH, files: []place{{dir: 0, path: 1}}},
		unix.SYS_MKDIRAT:    {name: "mkdirat", files: []place{{dir: 0, path: 1, state: missing}}},
		unix.SYS_MKNODAT:    {name: "mknodat", files: []place{{dir: 0, path: 1, state: missing}}},
		unix.SYS_SYMLINKAT:  {name: "symlinkat", files: []place{{dir: 1, path: 2, state: missing}}},
		unix.SYS_UNLINKAT:   {name: "unlinkat", files: []place{{dir: 0, path: 1}}},
		unix.SYS_RENAMEAT2:  {name: "renameat2", files: renamed(0, 1, 2, 3)},
		unix.SYS_LINKAT:     {name: "linkat", files: []place{{dir: 0, path: 1, link: followedIf, flags: 4}, {dir: 2, path: 3, state: missing}}},
		unix.SYS_TRUNCATE:   {name: "truncate", files: []place{{dir: cwd, path: 0, link: followed}}},
		unix.SYS_FCHMOD:     {name: "fchmod", attributes: true, files: []place{{dir: 0, path: itself}}},
		unix.SYS_FCHMODAT:   {name: "fchmodat", attributes: true, files: []place{{dir: 0, path: 1, link: followed}}},
		unix.SYS_FCHMODAT2:  {name: "fchmodat2", attributes: true, files: []place{{dir: 0, path: 1, link: followedUnless, flags: 3}}},
		unix.SYS_FCHOWN:     {name: "fchown", attributes: true, files: []place{{dir: 0, path: itself}}},
		unix.SYS_FCHOWNAT:   {name: "fchownat", attributes: true, files: []place{{dir: 0, path: 1, link: followedUnless, flags: 4}}},
		unix.SYS_UTIMENSAT:  {name: "utimensat", attributes: true, files: []place{{dir: 0, path: 1, link: followedUnless, flags: 3}}},
		unix.SYS_SETXATTR:   {name: "setxattr", attributes: true, files: []place{{dir: cwd, path: 0, link: followed}}},
		unix.SYS_LSETXATTR:  {name: "lsetxattr", attributes: true, files: []place{{dir: cwd, path: 0}}},
		unix.SYS_FSETXATTR:  {name: "fsetxattr", attributes: true, files: []place{{dir: 0, path: itself}}},
		unix.SYS_SETXATTRAT: {name: "setxattrat", attributes: true, files: []place{{dir: 0, path: 1, link: followedUnless, flags: 2}}},
		unix.SYS_REMOVEXATTR: {
			name: "removexattr", attributes: true, files: []place{{dir: cwd, path: 0, link: followed}},
		},
		unix.SYS_LREMOVEXATTR:  {name: "lremovexattr", attributes: true, files: []place{{dir: cwd, path: 0}}},
		unix.SYS_FREMOVEXATTR:  {name: "fremovexattr", attributes: true, files: []place{{dir: 0, path: itself}}},
		unix.SYS_REMOVEXATTRAT: {name: "removexattrat", attributes: true, files: []place{{dir: 0, path: 1, link: followedUnless, flags: 2}}},
		unix.SYS_FILE_SETATTR:  {name: "file_setattr", attributes: true, files: []place{{dir: 0, path: 1, link: followedUnless, flags: 4}}},

		unix.SYS_SOCKET:  {name: "socket", other: (*request).socket},
		unix.SYS_CONNECT: {name: "connect", other: (*request).connect},
		unix.SYS_BIND:    {name: "bind", other: (*request).bind},
		unix.SYS_LISTEN:  {name: "listen", other: (*request).listen},
		// TCP's fast open connects.
		unix.SYS_SENDTO:   {name: "sendto", flags: 3, when: unix.MSG_FASTOPEN, other: (*request).sendTo},
		unix.SYS_SENDMSG:  {name: "sendmsg", flags: 2, when: unix.MSG_FASTOPEN, other: (*request).sendMessage},
		unix.SYS_SENDMMSG: {name: "sendmmsg", flags: 3, when: unix.MSG_FASTOPEN, other: (*request).sendMessage},

		unix.SYS_KILL:              {name: "kill", other: (*request).kill},
		unix.SYS_RT_SIGQUEUEINFO:   {name: "rt_sigqueueinfo", other: (*request).kill},
		unix.SYS_PIDFD_SEND_SIGNAL: {name: "pidfd_send_signal", other: (*request).killByDescriptor},

		unix.SYS_PTRACE:             {name: "ptrace", other: (*request).ptrace},
		unix.SYS_PROCESS_VM_WRITEV:  {name: "process_vm_writev", other: changes("process_vm_writev", 0)},
		unix.SYS_PRLIMIT64:          {name: "prlimit64", other: (*request).prlimit},
		unix.SYS_SETPRIORITY:        {name: "setpriority", other: changes("setpriority", 1)},
		unix.SYS_IOPRIO_SET:         {name: "ioprio_set", other: changes("ioprio_set", 1)},
		unix.SYS_SCHED_SETAFFINITY:  {name: "sched_setaffinity", other: changes("sched_setaffinity", 0)},
		unix.SYS_SCHED_SETSCHEDULER: {name: "sched_setscheduler", other: changes("sched_setscheduler", 0)},
		unix.SYS_SCHED_SETPARAM:     {name: "sched_setparam", other: changes("sched_setparam", 0)},
		unix.SYS_SCHED_SETATTR:      {name: "sched_setattr", other: changes("sched_setattr", 0)},
	}
	for nr, name := range map[uint32]string{
		unix.SYS_MOUNT: "mount", unix.SYS_UMOUNT2: "umount2", unix.SYS_MOVE_MOUNT: "move_mount",
		unix.SYS_FSOPEN: "fsopen", unix.SYS_MOUNT_SETATTR: "mount_setattr", unix.SYS_PIVOT_ROOT: "pivot_root",
		unix.SYS_CHROOT: "chroot", unix.SYS_SWAPON: "swapon", unix.SYS_SWAPOFF: "swapoff", unix.SYS_REBOOT: "reboot", unix.SYS_ACCT: "acct",
		unix.SYS_SETHOSTNAME: "sethostname", unix.SYS_SETDOMAINNAME: "setdomainname",
		unix.SYS_SETTIMEOFDAY: "settimeofday", unix.SYS_CLOCK_SETTIME: "clock_settime",
		unix.SYS_INIT_MODULE: "init_module", unix.SYS_FINIT_MODULE: "finit_module", unix.SYS_DELETE_MODULE: "delete_module",
		unix.SYS_KEXEC_LOAD: "kexec_load", unix.SYS_KEXEC_FILE_LOAD: "kexec_file_load",
	} {
		all[nr] = call{name: name}
	}
	maps.Copy(all, ofArchitecture)
	return all
}()

// renamed are the two places of a rename. What the new name had is replaced.
func renamed(dir, path, newDir, newPath int) []place {
	return []place{{dir: dir, path: path}, {dir: newDir, path: newPath, state: whatever}}
}
