//go:build failpoints

package store

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStoppedAtACommit has the writer of crash_test.go killed, or its commit
// fail, right before a commit and right after one. Whatever it had acknowledged
// must be there.
func TestStoppedAtACommit(t *testing.T) {
	for _, c := range []struct {
		failpoints string
		killed     bool
	}{
		{"store/commit=kill@30", true},
		{"store/committed=kill@30", true},
		{"store/commit=error(ENOSPC)@30", false},
		{"store/commit=error(EIO)@30", false},
		{"store/committed=error(EROFS)@30", false},
	} {
		t.Run(c.failpoints, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cme.db")
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), crashPath+"="+path, "CMED_FAILPOINTS="+c.failpoints)
			out, err := child.StdoutPipe()
			wantNoError(t, err)
			wantNoError(t, child.Start())
			var acknowledged []string
			for scanner := bufio.NewScanner(out); scanner.Scan(); {
				acknowledged = append(acknowledged, scanner.Text())
			}
			_ = child.Wait()
			status := child.ProcessState.Sys().(syscall.WaitStatus)
			if c.killed && status.Signal() != syscall.SIGKILL || !c.killed && status.ExitStatus() != 1 || len(acknowledged) == 0 {
				t.Fatalf("the writer ended as %v, %d writes acknowledged", child.ProcessState, len(acknowledged))
			}
			s := openAt(t, path)
			check(t, s)
			for _, line := range acknowledged {
				confirm(t, s, line)
			}
		})
	}
}
