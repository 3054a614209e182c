package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// socketOf is where the unit's daemon listens.
const socketOf = "/var/lib/cmed/cme.state/cmed.sock"

// machine is a systemd that is the first process of namespaces of its own.
type machine struct {
	pid  int
	user string // the number of cmed's
	http *http.Client
}

// boot starts a machine with an unpacked release on it. It is gone when the test
// ends, with all that runs on it.
func boot(t *testing.T) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start a systemd of its own")
	}
	for _, program := range []string{"/lib/systemd/systemd", "systemctl", "nsenter", "unshare", "useradd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s: apt-get install systemd util-linux passwd", program)
		}
	}
	group := newCgroup(t)
	script, err := filepath.Abs("testdata/boot.sh")
	if err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.Command("sh", script, unpacked(t))
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL, UseCgroupFD: true, CgroupFD: int(group.Fd()), Setsid: true,
	}
	m := &machine{}
	m.keep(t, cmd, group.Name())
	m.pid = cmd.Process.Pid
	m.http = &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", m.path(socketOf))
		},
	}}
	up := func() bool {
		_, err := m.try("systemctl", "is-active", "small.target")
		return err == nil
	}
	if !within(patience, up) {
		text, _ := os.ReadFile(said.Name())
		t.Skipf("systemd does not start here: %s", text)
	}
	return m
}

// keep starts the machine's first process, which dies with the thread that starts
// it, so this one is kept until the test is over.
func (m *machine) keep(t *testing.T, cmd *exec.Cmd, group string) {
	t.Helper()
	started, over, gone := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		<-over
		_ = os.WriteFile(filepath.Join(group, "cgroup.kill"), []byte("1"), 0o600)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if err := <-started; err != nil {
		t.Skipf("no namespaces can be made here: %v", err)
	}
	t.Cleanup(func() {
		close(over)
		<-gone
	})
}

// newCgroup makes a cgroup of version 2 for a machine. When the test ends it is
// removed, with those that systemd made in it.
func newCgroup(t *testing.T) *os.File {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	root := ""
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			root = f[1]
		}
	}
	if root == "" {
		t.Skip("there is no cgroup hierarchy of version 2 here")
	}
	dir, err := os.MkdirTemp(root, "cmed-install-*")
	if err != nil {
		t.Skipf("no cgroup can be made here: %v", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // it is the root of what cmed's user sees
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !within(patience, func() bool { return removeCgroups(dir) == nil }) {
			t.Errorf("the cgroup %s can't be removed: %v", dir, removeCgroups(dir))
		}
	})
	group, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { group.Close() })
	return group
}

// removeCgroups removes a cgroup and those in it, the deepest first.
func removeCgroups(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, removeCgroups(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(err, syscall.Rmdir(dir))
}

// unpacked is a folder as the archive of a release makes it, as far as the unit
// needs it, with the test's plugin among the attacks.
func unpacked(t *testing.T) string {
	t.Helper()
	made := programs(t)
	dir := t.TempDir()
	for _, part := range [][2]string{
		{filepath.Join(made.image, "root/usr/local/bin/cmed"), "cmed"},
		{filepath.Join(made.image, "root/plugins/attacks"), "attacks"},
		{filepath.Join(made.image, "root/plugins/planners"), "planners"},
		{filepath.Join(made.image, "root/plugins/scripts"), "scripts"},
		{made.testPlugin, "attacks/testplugin"},
		{"../../deploy", "deploy"},
	} {
		if out, err := exec.Command("cp", "-R", "-T", part[0], filepath.Join(dir, part[1])).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return dir
}

// documented runs the commands that docs/install.md has in the paragraph behind
// some words, as root in the unpacked folder.
func (m *machine) documented(t *testing.T, words string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), words)
	var commands strings.Builder
	for line := range strings.Lines(rest) {
		command, indented := strings.CutPrefix(line, "    ")
		if indented {
			commands.WriteString(command)
		} else if commands.Len() > 0 {
			break
		}
	}
	if !found || commands.Len() == 0 {
		t.Fatalf("docs/install.md has no commands behind %q", words)
	}
	m.run(t, "sh", "-ec", "cd /run/release\n"+commands.String())
}

// path is a file of the machine as the test sees it.
func (m *machine) path(file string) string { return fmt.Sprintf("/proc/%d/root%s", m.pid, file) }

// try runs a program on the machine and returns what it wrote.
func (m *machine) try(command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := append([]string{"-t", fmt.Sprint(m.pid), "-a", "--"}, command...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run runs a program that must succeed.
func (m *machine) run(t *testing.T, command ...string) string {
	t.Helper()
	out, err := m.try(command...)
	if err != nil {
		t.Fatalf("%v: %v: %s\n%s", command, err, out, m.log())
	}
	return out
}

// property is what systemd says of the unit.
func (m *machine) property(t *testing.T, name string) string {
	t.Helper()
	return m.run(t, "systemctl", "show", "--value", "-p", name, "cmed.service")
}

// write makes a file on the machine.
func (m *machine) write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(file)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path(file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// log is what cmed and the reaper wrote, where log.conf has them write it.
func (m *machine) log() string {
	text, _ := os.ReadFile(m.path("/run/cmed.log"))
	return string(text)
}

func (m *machine) exists(file string) bool {
	_, err := os.Lstat(m.path(file))
	return err == nil
}

// within says whether something comes true in time.
func within(limit time.Duration, is func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		if is() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
