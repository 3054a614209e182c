package main

import (
	"net"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh/agent"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
)

// closedPort is one where nobody listens.
func closedPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// withAgent has an SSH agent that holds the keys to all the machines.
func withAgent(t *testing.T, all []sshtest.Access) {
	t.Helper()
	keyring := agent.NewKeyring()
	for _, access := range all {
		if err := keyring.Add(agent.AddedKey{PrivateKey: access.Private}); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			serving.Go(func() {
				_ = agent.ServeAgent(keyring, conn) // ends with the connection
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	t.Setenv("SSH_AUTH_SOCK", socket)
}
