// Package landlock confines threads to parts of the file system (landlock(7)).
//
// A Ruleset is built by whoever starts a process and put on the thread that
// forks it; the process inherits it and can't take it off. It must never be put
// on a thread that does anything else afterwards, and this package never
// restricts a whole process. What no rule allows is forbidden.
package landlock

import "errors"

// ErrUnsupported is returned when the kernel has no Landlock, or was started
// without it.
var ErrUnsupported = errors.New("this kernel has no Landlock (Linux 5.13 or newer, with landlock among its security modules)")
