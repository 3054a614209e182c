// Package sshtest has SSH servers for tests: Start serves in the test's own
// process and does wrong whatever a test asks for, StartOpenSSH runs the
// machine's real sshd, without privileges if there are none. Both listen on
// loopback, let one key in, run what they are told as the test's user, and leave
// no process behind when the test ends.
package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Access is what a client has to know of a server.
type Access struct {
	Addr string // host and port
	User string
	// HostKeys are the server's, an Ed25519 key first.
	HostKeys []ssh.PublicKey
	// ClientKey is the private key that it lets in, in OpenSSH's format.
	ClientKey []byte
	// Private is the same key, for an agent.
	Private ed25519.PrivateKey
	// Home is the home of the user who logs in, in a folder of the test's.
	Home string

	mark string // in the environment of everything that the server runs
}

func newAccess(t testing.TB) Access {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "a test")
	must(t, err)
	me, err := user.Current()
	must(t, err)
	home := filepath.Join(t.TempDir(), "home")
	must(t, os.Mkdir(home, 0o700))
	return Access{
		User:      me.Username,
		ClientKey: pem.EncodeToMemory(block),
		Private:   private,
		Home:      home,
		mark:      rand.Text(),
	}
}

// LockedKey is the client's key, protected by the passphrase.
func (a Access) LockedKey(t testing.TB, passphrase string) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKeyWithPassphrase(a.Private, "a test", []byte(passphrase))
	must(t, err)
	return pem.EncodeToMemory(block)
}

// Public is the public part of the client's key.
func (a Access) Public(t testing.TB) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(a.Private.Public())
	must(t, err)
	return key
}

// KnownHosts writes a known_hosts file with the server's keys of the types given,
// or all, and returns its path.
func (a Access) KnownHosts(t testing.TB, types ...string) string {
	t.Helper()
	var lines []string
	for _, key := range a.HostKeys {
		if len(types) == 0 || slices.Contains(types, key.Type()) {
			lines = append(lines, knownhosts.Line([]string{a.Addr}, key))
		}
	}
	return WriteLines(t, lines...)
}

// HashedKnownHosts is KnownHosts with the name hashed, as OpenSSH's
// HashKnownHosts does.
func (a Access) HashedKnownHosts(t testing.TB) string {
	t.Helper()
	var lines []string
	for _, key := range a.HostKeys {
		hashed := knownhosts.HashHostname(knownhosts.Normalize(a.Addr))
		lines = append(lines, knownhosts.Line([]string{hashed}, key))
	}
	return WriteLines(t, lines...)
}

// Port is the port of Addr.
func (a Access) Port() string {
	_, port, _ := net.SplitHostPort(a.Addr)
	return port
}

// WriteLines writes a file of the lines into a folder of the test's.
func WriteLines(t testing.TB, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lines")
	must(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return file
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
