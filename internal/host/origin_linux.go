package host

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// thisHost names this process for those that read the environment of what it
// starts: its number, as it sees it itself, and when it began, in clock ticks
// since the boot. A number is given out again, the two together are not. It is ""
// where they can't be read.
var thisHost = sync.OnceValue(func() string {
	began := beganAt(processStat(os.Getpid()))
	if began == "" {
		return ""
	}
	return fmt.Sprintf("%d.%s", os.Getpid(), began)
})

// beganAt is when a process began, of its stat file's fields; "" when it has
// ended, perhaps without its parent having heard of that yet.
func beganAt(fields [][]byte) string {
	const startTime = 22 - 3 // numbered as in the manual
	if len(fields) <= startTime || strings.ContainsAny(string(fields[0]), "ZXx") {
		return ""
	}
	return string(fields[startTime])
}

// lives says whether another process than this one is the host of that name; also
// where that can't be told.
// Numbers are those of the host's own namespace: one in a container has another
// here, which is in its status (proc_pid_status(5), NSpid). Who can't see it, from
// another container for one, can't see what it started either.
func lives(host string) bool {
	number, began, ok := strings.Cut(host, ".")
	pid, err := strconv.Atoi(number)
	if !ok || began == "" || err != nil || host == thisHost() {
		return false
	}
	stat := processStat(pid)
	if beganAt(stat) == began {
		return true
	}
	// Where /proc shows only what may be traced (proc(5), hidepid), it hides a
	// daemon from its own user too, but not what it started. A signal finds it.
	if stat == nil && pid > 0 && unix.Kill(pid, 0) == nil {
		return true
	}
	pids, err := processes()
	return err != nil || slices.ContainsFunc(pids, func(pid int) bool {
		return beganAt(processStat(pid)) == began && innerNumber(pid) == number
	})
}

// innerNumber is a process's number in the innermost namespace it is in.
func innerNumber(pid int) string {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(status), "\nNSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	numbers := strings.Fields(line)
	if len(numbers) == 0 {
		return ""
	}
	return numbers[len(numbers)-1]
}
