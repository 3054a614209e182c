package host

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func onMainThread() bool { return unix.Gettid() == os.Getpid() }

// hardenThread sets on the calling thread what children inherit: no program they
// execute gives them more rights, and files they make are their own to read. The
// error says what could not be set; the rest was.
func hardenThread() error {
	var failed error
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		failed = fmt.Errorf("set no_new_privs: %w", err)
	}
	// The umask is shared by the threads of a process until one takes its own.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		// A container's engine may refuse it. The process' own serves as well where
		// it is as tight.
		if text, _ := os.ReadFile("/proc/thread-self/status"); isTight(statusFields(string(text))["Umask"]) {
			return failed
		}
		return errors.Join(failed, fmt.Errorf("take a umask of its own: %w", err))
	}
	unix.Umask(0o077)
	return failed
}
