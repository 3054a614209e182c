package host

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// beUnseen is a daemon that says what it is called, until its input ends.
func beUnseen() {
	if err := Harden(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(thisHost())
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// beAsked says whether a host lives.
func beAsked(host string) {
	fmt.Println(lives(host))
	os.Exit(0)
}

// withoutSight is this program, told to be something, as a user who sees in /proc
// what may be traced alone, which a daemon of the same user may not be.
func withoutSight(t *testing.T, be string) *exec.Cmd {
	t.Helper()
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = self.Close() })
	const nobody = "65534"
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c",
		"mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid "+nobody+" --regid "+nobody+" --clear-groups /proc/self/fd/3")
	cmd.Env = append(os.Environ(), be)
	cmd.ExtraFiles = []*os.File{self}
	cmd.Stderr = os.Stderr
	return cmd
}

func TestAHostThatIsHiddenIsNotTakenForDead(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "unshare", "--mount", "mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc").Run(); err != nil {
		t.Skip("needs to be root, and the right to mount /proc: ", err)
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("needs setpriv (Debian: util-linux): ", err)
	}
	daemon := withoutSight(t, "HOST_TEST_UNSEEN=1")
	stdin, err := daemon.StdinPipe()
	stdout, outErr := daemon.StdoutPipe()
	if err := errors.Join(err, outErr, daemon.Start()); err != nil {
		t.Fatal(err)
	}
	name, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err, daemon.Wait())
	}
	name = strings.TrimSpace(name)
	asked := func() string {
		out, err := withoutSight(t, "HOST_TEST_ASKED="+name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	if got := asked(); got != "true" {
		t.Errorf("that %s lives is said to be %s", name, got)
	}
	if err := errors.Join(stdin.Close(), daemon.Wait()); err != nil {
		t.Error(err)
	}
	if got := asked(); got != "false" {
		t.Errorf("that %s lives when it has ended is said to be %s", name, got)
	}
}
