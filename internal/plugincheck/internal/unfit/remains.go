package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Plugins that leave something behind, or print where they must not.
func init() {
	register("leaves-a-process", beforeTheEnd(func(*run) { sleeper(&syscall.SysProcAttr{Setsid: true}, false) }))
	register("leaves-a-process-with-its-stderr", beforeTheEnd(func(*run) { sleeper(&syscall.SysProcAttr{}, true) }))
	register("leaves-a-socket", beforeTheEnd(func(*run) {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(own(), "socket"), Net: "unix"})
		if err == nil {
			l.SetUnlinkOnClose(false)
			_ = l.Close()
		}
	}))
	register("prints", beforeTheEnd(func(*run) { _, _ = syscall.Write(1, []byte("hello, world\n")) }))
}

// sleeper starts a process that outlives this one.
func sleeper(attr *syscall.SysProcAttr, stderr bool) {
	cmd := exec.Command("/bin/sleep", "60")
	cmd.SysProcAttr = attr
	if stderr {
		cmd.Stderr = os.NewFile(2, "stderr")
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}
