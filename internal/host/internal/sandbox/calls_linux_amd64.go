package sandbox

import "golang.org/x/sys/unix"

const architecture = unix.AUDIT_ARCH_X86_64

// ofArchitecture are the calls that newer architectures don't have.
var ofArchitecture = map[uint32]call{
	unix.SYS_OPEN:      {name: "open", opens: true, flags: 1, when: opensToChange, unless: unix.O_PATH, files: []place{{dir: cwd, path: 0}}},
	unix.SYS_CREAT:     {name: "creat", opens: true, files: []place{{dir: cwd, path: 0, link: followed, state: whatever}}},
	unix.SYS_MKDIR:     {name: "mkdir", files: []place{{dir: cwd, path: 0, state: missing}}},
	unix.SYS_MKNOD:     {name: "mknod", files: []place{{dir: cwd, path: 0, state: missing}}},
	unix.SYS_SYMLINK:   {name: "symlink", files: []place{{dir: cwd, path: 1, state: missing}}},
	unix.SYS_UNLINK:    {name: "unlink", files: []place{{dir: cwd, path: 0}}},
	unix.SYS_RMDIR:     {name: "rmdir", files: []place{{dir: cwd, path: 0}}},
	unix.SYS_RENAME:    {name: "rename", files: renamed(cwd, 0, cwd, 1)},
	unix.SYS_RENAMEAT:  {name: "renameat", files: renamed(0, 1, 2, 3)},
	unix.SYS_LINK:      {name: "link", files: []place{{dir: cwd, path: 0}, {dir: cwd, path: 1, state: missing}}},
	unix.SYS_CHMOD:     {name: "chmod", attributes: true, files: []place{{dir: cwd, path: 0, link: followed}}},
	unix.SYS_CHOWN:     {name: "chown", attributes: true, files: []place{{dir: cwd, path: 0, link: followed}}},
	unix.SYS_LCHOWN:    {name: "lchown", attributes: true, files: []place{{dir: cwd, path: 0}}},
	unix.SYS_UTIME:     {name: "utime", attributes: true, files: []place{{dir: cwd, path: 0, link: followed}}},
	unix.SYS_UTIMES:    {name: "utimes", attributes: true, files: []place{{dir: cwd, path: 0, link: followed}}},
	unix.SYS_FUTIMESAT: {name: "futimesat", attributes: true, files: []place{{dir: 0, path: 1, link: followed}}},
}
