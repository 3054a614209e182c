package sshtest_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect logs in with the client's key.
func connect(t *testing.T, a sshtest.Access) *ssh.Client {
	t.Helper()
	signer, err := ssh.ParsePrivateKey(a.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", a.Addr, &ssh.ClientConfig{
		User:              a.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   ssh.FixedHostKey(a.HostKeys[0]),
		HostKeyAlgorithms: []string{a.HostKeys[0].Type()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func both(t *testing.T, test func(t *testing.T, a sshtest.Access)) {
	t.Run("own", func(t *testing.T) { test(t, sshtest.Start(t, sshtest.Options{}).Access) })
	t.Run("openssh", func(t *testing.T) { test(t, sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access) })
}

func TestACommandRunsAtHomeAndItsStatusIsTold(t *testing.T) {
	both(t, func(t *testing.T, a sshtest.Access) {
		session, err := connect(t, a).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		session.Stdin, session.Stdout, session.Stderr = strings.NewReader("in"), &stdout, &stderr
		err = session.Run("cat; echo; echo $HOME; echo err >&2; exit 5")
		var exit *ssh.ExitError
		if !errors.As(err, &exit) || exit.ExitStatus() != 5 {
			t.Errorf("ended with %v", err)
		}
		if stdout.String() != "in\n"+a.Home+"\n" || stderr.String() != "err\n" {
			t.Errorf("said %q and %q", stdout.String(), stderr.String())
		}
	})
}

func TestASignalIsTold(t *testing.T) {
	both(t, func(t *testing.T, a sshtest.Access) {
		session, err := connect(t, a).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		err = session.Run("kill -TERM $$")
		var exit *ssh.ExitError
		if !errors.As(err, &exit) || exit.Signal() != "TERM" {
			t.Errorf("ended with %v", err)
		}
	})
}

// What is still running when a test ends is ended with it; that nothing is left
// is then checked by the cleanup itself.
func TestWhatRunsIsSeenAndEnded(t *testing.T) {
	var a sshtest.Access
	t.Run("a test", func(t *testing.T) {
		a = sshtest.StartOpenSSH(t, sshtest.OpenSSHOptions{}).Access
		session, err := connect(t, a).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := session.Output("setsid sleep 300 >/dev/null 2>&1 & echo started")
		if err != nil || string(out) != "started\n" {
			t.Fatalf("%q, %v", out, err)
		}
		if _, err := os.Stat("/proc/self/environ"); err != nil {
			t.Skip("processes are only seen where there is Linux's /proc")
		}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		late := time.After(10 * time.Second)
		for len(a.Processes()) == 0 {
			select {
			case <-tick.C:
			case <-late:
				t.Fatal("the daemon isn't seen")
			}
		}
	})
	if left := a.Processes(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
