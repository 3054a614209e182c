package sandbox

import "golang.org/x/sys/unix"

const architecture = unix.AUDIT_ARCH_AARCH64

// ofArchitecture is what the older calls have that were kept for some.
var ofArchitecture = map[uint32]call{
	unix.SYS_RENAMEAT: {name: "renameat", files: renamed(0, 1, 2, 3)},
}
