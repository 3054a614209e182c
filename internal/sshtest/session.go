package sshtest

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// session serves one channel until the client closes it.
func (s *Server) session(conn net.Conn, ch ssh.Channel, requests <-chan *ssh.Request) {
	var running sync.WaitGroup
	defer running.Wait()
	defer func() { _ = ch.Close() }()
	gone := make(chan struct{})
	defer close(gone)
	for r := range requests {
		var payload struct{ What string }
		if ssh.Unmarshal(r.Payload, &payload) != nil {
			_ = r.Reply(false, nil)
			continue
		}
		s.mu.Lock()
		s.runs++
		s.mu.Unlock()
		if s.options.Fault == HangsAtExec {
			continue
		}
		if !s.pause() {
			return
		}
		switch {
		case r.Type == "exec" && s.options.Fault != RefusesExec:
			_ = r.Reply(true, nil)
			running.Go(func() { s.run(conn, ch, gone, payload.What) })
		case r.Type == "subsystem" && payload.What == "sftp" && !s.options.NoSFTP:
			_ = r.Reply(true, nil)
			running.Go(func() { serveSFTP(ch) })
		default:
			_ = r.Reply(false, nil)
		}
	}
}

// pause waits for the delay and reports false if the server closes meanwhile.
func (s *Server) pause() bool {
	if s.options.Delay == 0 {
		return true
	}
	select {
	case <-time.After(s.options.Delay):
		return true
	case <-s.closing:
		return false
	}
}

func serveSFTP(ch ssh.Channel) {
	server, err := sftp.NewServer(ch)
	if err != nil {
		_ = ch.Close()
		return
	}
	_ = server.Serve()
	_ = server.Close()
}

// run runs a command as sshd does without a terminal: through the login shell, in
// a session of its own, which a closed connection doesn't end. The exit status is
// told when the command ends; the channel closes when its pipes are closed too,
// by whoever holds them.
func (s *Server) run(conn net.Conn, ch ssh.Channel, gone <-chan struct{}, line string) {
	pipes, err := newPipes()
	if err != nil {
		_ = ch.Close()
		return
	}
	if s.options.Banner != "" {
		_, _ = io.WriteString(ch, s.options.Banner)
		_, _ = io.WriteString(ch.Stderr(), s.options.Banner)
	}
	cmd := s.command(line, pipes)
	if err := cmd.Start(); err != nil {
		pipes.closeAll()
		_, _ = io.WriteString(ch.Stderr(), err.Error())
		_ = ch.Close()
		return
	}
	pipes.closeTheirs()
	var copying, feeding sync.WaitGroup
	feeding.Go(func() {
		_, _ = io.Copy(pipes.in, ch)
		_ = pipes.in.Close()
	})
	said := &meter{server: s, conn: conn, process: cmd.Process}
	copying.Go(func() { _, _ = io.Copy(io.MultiWriter(ch, said), pipes.out) })
	copying.Go(func() { _, _ = io.Copy(io.MultiWriter(ch.Stderr(), said), pipes.err) })
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-gone:
		case <-over:
		}
		pipes.closeOurs()
	})
	tell(ch, cmd.Wait())
	copying.Wait()
	_ = ch.Close()
	close(over)
	watching.Wait()
	feeding.Wait()
}

func (s *Server) command(line string, p *pipes) *exec.Cmd {
	shell := s.options.Shell
	if len(shell) == 0 {
		shell = []string{"/bin/sh", "-c"}
	}
	cmd := exec.Command(shell[0], append(shell[1:len(shell):len(shell)], line)...) //nolint:gosec // G204: running what it is told is its purpose
	cmd.Dir = s.Home
	cmd.Env = append([]string{
		"HOME=" + s.Home, "USER=" + s.User, "PATH=" + os.Getenv("PATH"), markName + "=" + s.mark,
	}, s.options.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.theirIn, p.theirOut, p.theirErr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// tell sends how a command ended (RFC 4254, 6.10).
func tell(ch ssh.Channel, err error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			name := map[syscall.Signal]string{syscall.SIGKILL: "KILL", syscall.SIGTERM: "TERM"}[status.Signal()]
			_, _ = ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
				Name    string
				Core    bool
				Message string
				Lang    string
			}{Name: name}))
			return
		}
	}
	code := 0
	if exit != nil {
		code = exit.ExitCode()
	}
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(code)}))
}

// meter counts what a command says and does what a fault wants then.
type meter struct {
	server  *Server
	conn    net.Conn
	process *os.Process
	said    atomic.Int64
}

func (m *meter) Write(p []byte) (int, error) {
	said := m.said.Add(int64(len(p)))
	if most := m.server.options.CutAfter; most > 0 && said >= most {
		_ = m.conn.Close()
	}
	if m.server.options.Fault == KillsItsShell {
		_ = m.process.Kill()
	}
	return len(p), nil
}

// pipes are a command's three streams; theirs are the command's ends.
type pipes struct {
	theirIn, theirOut, theirErr *os.File
	in, out, err                *os.File
}

func newPipes() (*pipes, error) {
	var p pipes
	var e1, e2, e3 error
	p.theirIn, p.in, e1 = os.Pipe()
	p.out, p.theirOut, e2 = os.Pipe()
	p.err, p.theirErr, e3 = os.Pipe()
	if err := errors.Join(e1, e2, e3); err != nil {
		p.closeAll()
		return nil, err
	}
	return &p, nil
}

func (p *pipes) closeTheirs() { closeFiles(p.theirIn, p.theirOut, p.theirErr) }
func (p *pipes) closeOurs()   { closeFiles(p.in, p.out, p.err) }
func (p *pipes) closeAll()    { p.closeTheirs(); p.closeOurs() }

func closeFiles(files ...*os.File) {
	for _, f := range files {
		_ = f.Close() // nil, or closed before: neither matters
	}
}
