package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

// What the greedy natures take.
const (
	floodLines = 20_000
	floodLogs  = 2_000
	eaten      = 96 << 20 // bytes
)

// misbehave does what the script's nature is, after the harm is done.
func misbehave(s script.Script, run *sdk.Run) error {
	switch s.Nature {
	case script.Hang:
		select {}
	case script.Fork:
		return leave(false)
	case script.DoubleFork:
		return leave(true)
	case script.Unmarked:
		return leaveUnmarked(s)
	case script.Flood:
		flood(run)
	case script.Memory:
		eat()
	case script.Panic:
		panic("as it was told to")
	}
	return nil
}

// leave starts a process that outlives this one, holds its stderr and has its
// environment: a child, or a grandchild in a session of its own whose parent has
// ended.
func leave(session bool) error {
	line := "exec sleep 611"
	if session {
		line = "sleep 611 & :"
	}
	child := exec.Command("sh", "-c", line)
	child.Stderr = os.NewFile(2, "stderr")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	if err := child.Start(); err != nil {
		return err
	}
	if session {
		return child.Wait()
	}
	return nil
}

// leaveUnmarked leaves a grandchild that nothing in its environment ties to the
// run, and says which it is.
func leaveUnmarked(s script.Script) error {
	child := exec.Command("sh", "-c", "sleep 611 >&- 2>&- & echo $!")
	child.Env = []string{"PATH=/usr/bin:/bin"}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := child.Output()
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return err
	}
	return appendLine(script.Strays(s.Dir), "%d %s", pid, startOf(pid))
}

// flood writes more than anybody wants to read. What can't be written is lost.
func flood(run *sdk.Run) {
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range floodLines {
		_, _ = syscall.Write(1, line)
		_, _ = syscall.Write(2, line)
	}
	for i := range floodLogs {
		run.Log().Info(strings.Repeat("y", 500), "line", i)
	}
	fmt.Println("enough")
}

// eat takes memory, and touches each page of it.
func eat() {
	block := make([]byte, eaten)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
}
