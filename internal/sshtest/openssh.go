package sshtest

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Where distributions put sshd; it is not in everybody's PATH.
var sshdPaths = []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"}

// privileged is the folder that Debian's sshd, run by root, wants to be there.
const privileged = "/run/sshd"

// OpenSSHOptions change the configuration of a real sshd.
type OpenSSHOptions struct {
	// NoSFTP leaves the subsystem out.
	NoSFTP bool
	// Env is added to the environment of what is run: "NAME=value".
	Env []string
	// Lines are added to sshd_config.
	Lines []string
}

// OpenSSH is a real sshd. It listens in the test's process and is started for
// each connection, as inetd and systemd's sockets do, so no free port has to be
// guessed.
type OpenSSH struct {
	Access
	path     string
	config   string
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]*exec.Cmd
	log   bytes.Buffer
}

// StartOpenSSH returns an sshd that serves until the test ends, with an Ed25519
// and an RSA key. Where there is no sshd the test is skipped.
func StartOpenSSH(t testing.TB, options OpenSSHOptions) *OpenSSH {
	t.Helper()
	path := ""
	for _, p := range sshdPaths {
		if _, err := os.Stat(p); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no sshd on this machine; it comes with: apt-get install openssh-server")
	}
	s := &OpenSSH{Access: newAccess(t), path: path, conns: make(map[net.Conn]*exec.Cmd)}
	s.configure(t, options)
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	s.listener = listener
	s.Addr = listener.Addr().String()
	s.serving.Go(s.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		s.Cut()
		s.serving.Wait()
		s.killAll(t)
		if t.Failed() {
			t.Logf("sshd's log:\n%s", s.Log())
		}
	})
	s.try(t)
	return s
}

// configure writes the keys and sshd_config.
func (s *OpenSSH) configure(t testing.TB, options OpenSSHOptions) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(folder, name)
		must(t, os.WriteFile(file, []byte(content), 0o600))
		return file
	}
	var lines []string
	for _, kind := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA} {
		file := filepath.Join(folder, kind)
		public := s.newHostKey(t, kind, file)
		s.HostKeys = append(s.HostKeys, public)
		lines = append(lines, "HostKey "+file)
	}
	authorized := write("authorized_keys", string(ssh.MarshalAuthorizedKey(s.Public(t))))
	env := []string{fmt.Sprintf("%q", "HOME="+s.Home), markName + "=" + s.mark}
	for _, e := range options.Env {
		env = append(env, fmt.Sprintf("%q", e))
	}
	lines = append(
		lines,
		"AuthorizedKeysFile "+authorized,
		"AuthenticationMethods publickey",
		"PermitRootLogin prohibit-password",
		"StrictModes no",
		"UsePAM no",
		"PidFile none",
		"MaxAuthTries 6",
		// Only the first such line counts.
		"SetEnv "+strings.Join(env, " "),
	)
	if !options.NoSFTP {
		lines = append(lines, "Subsystem sftp internal-sftp")
	}
	s.config = write("sshd_config", strings.Join(append(lines, options.Lines...), "\n")+"\n")
	if os.Geteuid() == 0 {
		must(t, os.MkdirAll(privileged, 0o755)) //nolint:gosec // G301: sshd wants to enter it as an unprivileged user
	}
}

// newHostKey writes a private key to the file and returns its public part.
func (s *OpenSSH) newHostKey(t testing.TB, kind, file string) ssh.PublicKey {
	t.Helper()
	private := newPrivate(t, kind)
	public, err := ssh.NewPublicKey(private.Public())
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "a test's host")
	must(t, err)
	must(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	return public
}

// try logs in once, so that what is wrong with the machine shows before the test
// begins.
func (s *OpenSSH) try(t testing.TB) {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(s.Private)
	must(t, err)
	client, err := ssh.Dial("tcp", s.Addr, &ssh.ClientConfig{
		User:              s.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   ssh.FixedHostKey(s.HostKeys[0]),
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		Timeout:           10 * time.Second,
	})
	if err != nil {
		if strings.Contains(s.Log(), "account is locked") {
			t.Skipf("sshd lets nobody into the locked account %s; unlock it with: usermod -p '*' %s", s.User, s.User)
		}
		t.Fatalf("log in to sshd: %v\n%s", err, s.Log())
	}
	must(t, client.Close())
}

// Log is what sshd has said so far.
func (s *OpenSSH) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// Write takes sshd's log.
func (s *OpenSSH) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// Cut ends all connections by killing the sshd of each. What runs goes on.
func (s *OpenSSH) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn, cmd := range s.conns {
		_ = cmd.Process.Kill()
		_ = conn.Close()
	}
}

func (s *OpenSSH) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.serving.Go(func() { s.serve(conn) })
	}
}

// serve hands a connection to an sshd of its own.
func (s *OpenSSH) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	socket, err := tcp.File()
	if err != nil {
		return
	}
	cmd := exec.Command(s.path, "-i", "-e", "-f", s.config) //nolint:gosec // G204: the test's own
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, s
	// Something left behind must not keep Wait from returning.
	cmd.WaitDelay = time.Second
	s.mu.Lock()
	err = cmd.Start()
	if err == nil {
		s.conns[conn] = cmd
	}
	s.mu.Unlock()
	_ = socket.Close()
	if err != nil {
		_, _ = s.Write([]byte(err.Error()))
		return
	}
	// From now on the socket is sshd's alone, and its end the connection's.
	_ = conn.Close()
	_ = cmd.Wait()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}
