package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

// appendLine adds a line to a file and returns when it is durable. Several
// processes may add to one file: a short O_APPEND write is not torn.
func appendLine(path, format string, args ...any) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600) //nolint:gosec // the driver names it
	if err != nil {
		return err
	}
	_, err = file.WriteString(fmt.Sprintf(format, args...) + "\n")
	return errors.Join(err, file.Sync(), file.Close())
}

// noteRun says that this process runs an attack: first that it ran, then who it
// is.
func noteRun(s script.Script, executor string) error {
	if err := appendLine(script.Runs(s.Dir), "%s", executor); err != nil {
		return err
	}
	pid := os.Getpid()
	return os.WriteFile(script.Process(s.Dir, executor), []byte(fmt.Sprintf("%d %s", pid, startOf(pid))), 0o600)
}

// noteEarly complains when the process of the run is still alive.
func noteEarly(s script.Script, executor string) error {
	note, err := os.ReadFile(script.Process(s.Dir, executor))
	if err != nil {
		return nil // it died before it said who it is
	}
	number, start, _ := strings.Cut(string(note), " ")
	if pid, err := strconv.Atoi(number); err == nil && start != "" && startOf(pid) == start {
		return appendLine(script.Early(s.Dir), "%s", executor)
	}
	return nil
}

// startOf returns when a process that lives was started, as proc(5) has it; ""
// for none.
func startOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the state on
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

// do commits one harm.
func do(s script.Script, executor string, sequence uint64) error {
	return os.WriteFile(script.Harm(s.Dir, executor, sequence), nil, 0o600)
}

// takeBack removes one harm and says whether it was there.
func takeBack(s script.Script, executor string, sequence uint64) (bool, error) {
	err := os.Remove(script.Harm(s.Dir, executor, sequence))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, appendLine(script.Undos(s.Dir), "%s %d", executor, sequence)
}

// dieAt kills whom the script names when it names this step. Each executor
// kills once only.
func dieAt(s script.Script, executor string, step script.Step) {
	if s.At != step || s.Kill == "" {
		return
	}
	once, err := os.OpenFile(script.Killed(s.Dir, executor), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return
	}
	_ = once.Close()
	if err := appendLine(script.Kills(s.Dir), "%s %s %s", executor, step, s.Kill); err != nil {
		return
	}
	if s.Kill != script.Plugin {
		killDaemon(s)
	}
	if s.Kill != script.Daemon {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal is delivered
	}
}

// killDaemon kills this process's parent if it is the daemon: when that is dead
// already, the parent is somebody else.
func killDaemon(s script.Script) {
	text, err := os.ReadFile(script.DaemonPID(s.Dir))
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(string(text)); err == nil && pid == os.Getppid() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
