//go:build amd64 || arm64

package sandbox

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// request is a call that is judged.
type request struct {
	notification
	policy Policy
	// leader is the process's number, once it was asked for.
	leader int
}

// verdict is what becomes of a call: it goes on, or fails with errno, and what it
// tried is told.
type verdict struct {
	errno    unix.Errno
	attempts []Attempt
}

func goOn() verdict { return verdict{} }

func refuse(errno unix.Errno, k Kind, what string) verdict {
	return verdict{errno, []Attempt{{k, what}}}
}

// unreadable is what the kernel keeps from others of the same user, and what that may
// be due to.
const unreadable = "that can't be read: the kernel lets nobody look into the process " +
	"(its program's file can't be read, or kernel.yama.ptrace_scope is 2 or 3)"

// quietly is a refusal that nobody needs to know of.
func quietly(errno unix.Errno) verdict { return verdict{errno: errno} }

func (r *request) judge() verdict {
	c := calls[r.nr]
	switch {
	case c.other != nil:
		return c.other(r)
	case len(c.files) > 0:
		return r.judgeFiles(c)
	}
	return refuse(unix.EPERM, System, c.name)
}

// number returns an argument that is an int.
func (r *request) number(arg int) int { return int(int32(r.args[arg])) } //nolint:gosec // as the kernel reads it

// proc is the path of something the kernel says of the calling thread.
func (r *request) proc(what string) string {
	return "/proc/" + strconv.FormatUint(uint64(r.tid), 10) + "/" + what
}

// process returns the number of the caller's process; 0 when that is gone.
func (r *request) process() int {
	if r.leader == 0 {
		text, _ := os.ReadFile(r.proc("status"))
		r.leader, _ = strconv.Atoi(field(string(text), "Tgid:"))
	}
	return r.leader
}

// field returns what stands behind a name in a file of the kernel's.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// text reads the string at an address of the caller's, without its end.
func (r *request) text(address uint64) (string, error) {
	var text []byte
	page := uint64(os.Getpagesize()) //nolint:gosec // positive
	for len(text) < unix.PathMax {
		// A read that goes over the end of the mapping would fail as a whole.
		part, err := r.memory(address, int(page-address%page)) //nolint:gosec // a page at most
		if err != nil {
			return "", err
		}
		for i, b := range part {
			if b == 0 {
				return string(append(text, part[:i]...)), nil
			}
		}
		text = append(text, part...)
		address += uint64(len(part))
	}
	return "", unix.ENAMETOOLONG
}

// memory reads some of the caller's memory.
func (r *request) memory(address uint64, n int) ([]byte, error) {
	if n <= 0 {
		return nil, unix.EFAULT
	}
	buf := make([]byte, n)
	local := []unix.Iovec{{Base: &buf[0]}}
	local[0].SetLen(n)
	got, err := unix.ProcessVMReadv(int(r.tid), local, []unix.RemoteIovec{{Base: uintptr(address), Len: n}}, 0)
	if err != nil {
		return nil, err
	}
	if got == 0 {
		return nil, unix.EFAULT
	}
	return buf[:got], nil
}
