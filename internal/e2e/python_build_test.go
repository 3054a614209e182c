package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const freezeRef = "freeze_process:FreezeProcess"

// python is the folder of the attack in Python.
var python = filepath.Join(repository, "examples", "python-attack")

// pluginPath is PATH as plugins see it: their python3 is found in there.
const pluginPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// buildPython builds the plugin with an attack in Python and returns its path.
func buildPython(t *testing.T, attack string) string {
	t.Helper()
	for tool, remedy := range map[string]string{"python3": "python3", "protoc": "protobuf-compiler", "make": "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: apt-get install %s", tool, remedy)
		}
	}
	needs := exec.CommandContext(t.Context(), "/usr/bin/env", "python3", "-c", "import grpc, google.protobuf")
	needs.Env = []string{"PATH=" + pluginPath}
	if text, err := needs.CombinedOutput(); err != nil {
		t.Skipf("python3 lacks gRPC (apt-get install python3-grpcio): %v: %s", err, bytes.TrimSpace(text))
	}
	path := filepath.Join(t.TempDir(), "plugin")
	if attack != "attack.py" {
		var err error
		if attack, err = filepath.Abs(attack); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "make", "OUT="+path, "ATTACK="+attack)
	build.Dir = python
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, text)
	}
	return path
}

// victim is a process to freeze, with a name that no other has.
type victim struct {
	name string
	pid  int
}

func newVictim(t *testing.T) victim {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("sleep is not installed: apt-get install coreutils")
	}
	v := victim{name: fmt.Sprintf("frz%09d", rand.IntN(1e9))}
	path := filepath.Join(t.TempDir(), v.name)
	if err := os.Symlink(sleep, path); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "600")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	v.pid = command.Process.Pid
	return v
}

// frozen says whether the process stands still (proc(5)).
func (v victim) frozen() bool {
	stat, _ := os.ReadFile(procFile(v.pid, "stat"))
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "T")
}

func (v victim) awaitFrozen(t *testing.T, want bool) {
	t.Helper()
	waitFor(t, patience, fmt.Sprintf("the process to be frozen: %v", want), func() bool { return v.frozen() == want })
}

// freezing starts the attack on a new victim, for long, and returns when it is
// frozen.
func freezing(t *testing.T, d *daemon) (id string, v victim) {
	t.Helper()
	v = newVictim(t)
	id = d.attack(t, freezeRef, args{"name": v.name, "seconds": 600}, time.Now())
	v.awaitFrozen(t, true)
	waitFor(t, patience, "the hit on record", func() bool {
		targets := d.get(t, "/api/1/executors/"+id).list("run/targets")
		return len(targets) == 1 && targets[0].text("state") == "hit"
	})
	return id, v
}
