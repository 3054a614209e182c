package sshtest

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Fault is what a server does wrong.
type Fault string

// The faults.
const (
	NoFault       Fault = ""
	Greets        Fault = "greets"           // it isn't an SSH server
	HangsAtOnce   Fault = "hangs at once"    // it accepts and says nothing
	HangsAtLogin  Fault = "hangs at login"   // it shows its key and says no more
	HangsAtOpen   Fault = "hangs at open"    // it logs in and opens no channel
	HangsAtExec   Fault = "hangs at exec"    // it opens channels and runs nothing
	RefusesExec   Fault = "refuses exec"     // it says that it won't run anything
	RefusesKeys   Fault = "refuses keys"     // it takes no public keys
	KillsItsShell Fault = "kills its shells" // the command is killed once it says something
)

// Options change what a server does. The zero value is a well-behaved one with an
// Ed25519 and an RSA key.
type Options struct {
	Fault Fault
	// NoSFTP has no such subsystem.
	NoSFTP bool
	// Types are the host keys' types; an Ed25519 and an RSA key if empty.
	Types []string
	// Certify signs the host keys, and shows certificates only.
	Certify ssh.Signer
	// Shell is the login shell with what comes before the command; /bin/sh -c if
	// empty.
	Shell []string
	// Env is added to the environment of what is run: "NAME=value".
	Env []string
	// Banner is what the login scripts print, to both streams, before a command.
	Banner string
	// CutAfter cuts a connection once a command has said so many bytes; 0: never.
	CutAfter int64
	// Delay passes before each answer to a request to run something.
	Delay time.Duration
}

// Server is an SSH server in the test's process.
type Server struct {
	Access
	options  Options
	config   *ssh.ServerConfig
	listener net.Listener
	closing  chan struct{}
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	runs  int
}

// Start returns a server that serves until the test ends.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	s := &Server{Access: newAccess(t), options: options, closing: make(chan struct{}), conns: make(map[net.Conn]bool)}
	s.configure(t)
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	s.listener = listener
	s.Addr = listener.Addr().String()
	s.serving.Go(s.accept)
	t.Cleanup(func() {
		close(s.closing)
		_ = listener.Close()
		s.Cut()
		s.killAll(t)
		s.serving.Wait()
	})
	return s
}

func (s *Server) configure(t testing.TB) {
	t.Helper()
	mine := s.Public(t)
	s.config = &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if s.options.Fault == HangsAtLogin {
				<-s.closing
			}
			if !bytes.Equal(key.Marshal(), mine.Marshal()) {
				return nil, errors.New("not that key")
			}
			return &ssh.Permissions{}, nil
		},
	}
	if s.options.Fault == RefusesKeys {
		s.config.PublicKeyCallback = nil
		s.config.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			return nil, errors.New("no password either")
		}
	}
	types := s.options.Types
	if len(types) == 0 {
		types = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA}
	}
	for _, kind := range types {
		signer := NewKey(t, kind)
		s.HostKeys = append(s.HostKeys, signer.PublicKey())
		if s.options.Certify != nil {
			signer = certify(t, signer, s.options.Certify)
		}
		s.config.AddHostKey(signer)
	}
}

// Cut cuts all connections, as a broken network does. What runs goes on.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

// Runs is how many commands and subsystems were asked for so far.
func (s *Server) Runs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.mu.Unlock()
		s.serving.Go(func() {
			s.serve(conn)
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
		select {
		case <-s.closing: // Cut may have come before the connection was known
			_ = conn.Close()
		default:
		}
	}
}

func (s *Server) serve(raw net.Conn) {
	switch s.options.Fault {
	case Greets:
		_, _ = raw.Write([]byte("220 mail.example.org ESMTP\r\n"))
		_, _ = raw.Read(make([]byte, 256))
		return
	case HangsAtOnce:
		<-s.closing
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(raw, s.config)
	if err != nil {
		return
	}
	var open sync.WaitGroup
	defer open.Wait()
	defer func() { _ = conn.Close() }()
	open.Go(func() { ssh.DiscardRequests(requests) })
	for channel := range channels {
		if s.options.Fault == HangsAtOpen {
			continue
		}
		ch, requests, err := channel.Accept()
		if err != nil {
			return
		}
		open.Go(func() { s.session(raw, ch, requests) })
	}
}
