package sshtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// markName is the variable that everything a server runs has in its environment.
const markName = "SSHTEST_SERVER"

// Processes returns the pids of what the server has run and is still alive,
// whatever sessions it has moved to. It needs Linux's /proc; without it there are
// none.
func (a Access) Processes() []int {
	// Twice, because a process that executes another program shows no environment
	// for a moment.
	if pids := a.look(); len(pids) > 0 {
		return pids
	}
	return a.look()
}

func (a Access) look() []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var pids []int
	for _, file := range files {
		environ, err := os.ReadFile(file) //nolint:gosec // G304: the kernel's names
		if err != nil || !marked(environ, markName+"="+a.mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func marked(environ []byte, mark string) bool {
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if string(entry) == mark {
			return true
		}
	}
	return false
}

// killAll ends whatever the server has run.
func (a Access) killAll(t testing.TB) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for pids := a.Processes(); len(pids) > 0; pids = a.Processes() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-tick.C:
		case <-late:
			t.Errorf("processes are left: %v", pids)
			return
		}
	}
}
