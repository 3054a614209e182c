package dockertest_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
)

// aloneVariable has this test binary start an engine, say where, and wait to be
// killed.
const aloneVariable = "DOCKERTEST_ALONE"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		dockertest.Stop()
		os.Exit(code)
	}))
}

func TestARunningContainerIsSeenByItsState(t *testing.T) {
	e := dockertest.Start(t)
	id := e.Run(t, "dockertest-"+dockertest.Unique(), map[string]string{"a": "b"})
	if got := e.State(t, id); got != "running" {
		t.Errorf("it is %s", got)
	}
	e.Remove(t, id)
	if got := e.State(t, id); got != dockertest.Gone {
		t.Errorf("it was removed and is %s", got)
	}
}

func TestAllStartsGiveOneEngine(t *testing.T) {
	first := dockertest.Start(t)
	if second := dockertest.Start(t); second != first {
		t.Errorf("a second engine was started at %s, beside that at %s", second.Host, first.Host)
	}
}

// A test binary that is killed, by go test's own deadline for one, can't clean up.
func TestNothingIsLeftOfAnEngineWhoseTestsWereKilled(t *testing.T) {
	if os.Getenv(aloneVariable) != "" {
		e := dockertest.Start(t)
		e.Run(t, "", nil, "sleep", "3600")
		if err := os.WriteFile(os.Getenv(aloneVariable), []byte(e.Host), 0o600); err != nil {
			t.Fatal(err)
		}
		select {} // until it is killed
	}
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("only root on Linux starts engines")
	}
	t.Setenv("DOCKER_HOST", "")
	said := filepath.Join(t.TempDir(), "host")
	alone := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	alone.Env = append(os.Environ(), aloneVariable+"="+said)
	var output strings.Builder
	alone.Stdout, alone.Stderr = &output, &output
	if err := alone.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- alone.Wait() }()
	host := ""
	for host == "" {
		select {
		case <-ended:
			if strings.Contains(output.String(), "SKIP") {
				t.Skip(strings.TrimSpace(output.String()))
			}
			t.Fatalf("it ended by itself: %s", output.String())
		case <-time.After(50 * time.Millisecond):
			text, _ := os.ReadFile(said)
			host = string(text)
		}
	}
	if err := alone.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended

	socket := strings.TrimPrefix(host, "unix://")
	folder := filepath.Dir(socket)
	within(t, 30*time.Second, "the engine doesn't listen", func() bool {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	within(t, 30*time.Second, "the folder is gone", func() bool {
		_, err := os.Stat(folder)
		return errors.Is(err, os.ErrNotExist)
	})
	within(t, 30*time.Second, "no process and no mount is left", func() bool {
		mounts, _ := os.ReadFile("/proc/self/mountinfo")
		return !strings.Contains(string(mounts), folder+"/") && !mentioned(t, folder+"/")
	})
	within(t, 30*time.Second, "no cgroup is left", func() bool {
		left, _ := filepath.Glob("/sys/fs/cgroup/*/dockertest-" + filepath.Base(folder))
		return len(left) == 0
	})
}

// mentioned reports whether a text is in the command line of any process.
func mentioned(t *testing.T, text string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, _ := os.ReadFile(path)
		if strings.Contains(string(line), text) {
			return true
		}
	}
	return false
}

func within(t *testing.T, bound time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(bound); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so within %s: %s", bound, what)
		}
	}
}
