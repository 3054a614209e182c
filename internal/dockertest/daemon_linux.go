package dockertest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// socketName is the engine's socket in its folder.
const socketName = "s"

// stopBound is how long the end of the engine may take before it is forced.
const stopBound = 60 * time.Second

// keeper is the first process of the namespaces in which the engine runs.
//
//go:embed keeper.sh
var keeper string

// startDaemon starts an engine and returns its folder, and what ends it.
//
// Its keeper, a shell, runs in a PID and a mount namespace of its own: when it
// ends the kernel ends all that came of it, the engine and the containers, and
// its mounts go. It ends when its standard input does, and that is when Stop is
// called or this process dies, however it does.
func startDaemon(ctx context.Context) (folder string, end func(), err error) {
	if os.Getuid() != 0 {
		return "", nil, errors.New("only root can start an engine")
	}
	for _, program := range []string{"dockerd", "containerd", "runc", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", nil, fmt.Errorf("there is no %s in PATH", program)
		}
	}
	// The paths of sockets are short, so a long TMPDIR won't do.
	folder, err = os.MkdirTemp("/tmp", "dk")
	if err != nil {
		return "", nil, err
	}
	shell := exec.Command("sh", "-c", keeper, "dockertest", folder) //nolint:gosec // G204: the script is ours
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	lifeline, err := shell.StdinPipe()
	if err == nil {
		err = shell.Start()
	}
	if err != nil {
		_ = os.RemoveAll(folder)
		return "", nil, fmt.Errorf("start dockerd: %w", err)
	}
	end = func() {
		forced := time.AfterFunc(stopBound, func() { _ = shell.Process.Kill() })
		_ = lifeline.Close()
		_ = shell.Wait()
		forced.Stop()
		if err := os.RemoveAll(folder); err != nil {
			fmt.Fprintf(os.Stderr, "remove what is left of the engine: %v\n", err)
		}
	}
	if err := untilItAnswers(ctx, folder); err != nil {
		end()
		return "", nil, err
	}
	return folder, end, nil
}

// untilItAnswers blocks until the engine answers, and fails with its last words
// when it ends instead.
func untilItAnswers(ctx context.Context, folder string) error {
	w := wireTo("unix://" + filepath.Join(folder, socketName))
	for {
		if w.do(ctx, "GET", "/_ping", nil, nil) == nil {
			return nil
		}
		if _, err := os.Stat(filepath.Join(folder, "ended")); err == nil {
			return errors.New("dockerd doesn't start here: " + lastWords(folder))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("dockerd doesn't answer within %s: %s", startBound, lastWords(folder))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords are the last lines of the engine's log.
func lastWords(folder string) string {
	log, _ := os.ReadFile(filepath.Join(folder, "log")) //nolint:gosec // G304: a folder of ours
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}
