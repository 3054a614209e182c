package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// unreachable words why no connection came about.
func (t target) unreachable(ctx context.Context, err error) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done() // a socket's deadline may be a little earlier than the context
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errSlow) {
		return fmt.Errorf("connect to %s: %w", t.addr, cause)
	}
	var unknown *net.DNSError
	switch {
	case slow(ctx, err):
		return fmt.Errorf("%w: %s gave no answer within %s: look at the address, the routes and the firewalls or security groups on the way", ErrUnreachable, t.addr, t.timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %s refused the connection: no SSH server listens there, or on another port", ErrUnreachable, t.addr)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: %s has no address: %w", ErrUnreachable, unknown.Name, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// slow reports whether the time was up.
func slow(ctx context.Context, err error) bool {
	var late net.Error
	return errors.Is(context.Cause(ctx), errSlow) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &late) && late.Timeout()
}

// explain words why a connection came about, but no login.
func (t target) explain(ctx context.Context, a *attempt, user string, keys *keys, policy *hostPolicy, err error) error {
	heard, known, verdict := a.story()
	if verdict != nil {
		return verdict
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errSlow) {
		return fmt.Errorf("log in to %s: %w", t.addr, cause)
	}
	var none *ssh.AlgorithmNegotiationError
	switch {
	case heard != "" && !strings.HasPrefix(heard, "SSH-") && !strings.Contains(heard, "\nSSH-"):
		return fmt.Errorf("%w: what answers at %s is not an SSH server: it said %q", ErrUnreachable, t.addr, firstLine(heard))
	case slow(ctx, err):
		return fmt.Errorf("%w: %s %s, but got no further within %s", ErrUnreachable, t.addr, progress(heard, known), t.timeout)
	case errors.As(err, &none) && none.What == "host key":
		return policy.nothingCommon(none.RequestedAlgorithms)
	case !known:
		return fmt.Errorf("%w: %s ended the connection before the login: %w", ErrUnreachable, t.addr, err)
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%w: %s ended the connection during the login: %w", ErrUnreachable, t.addr, err)
	}
	return fmt.Errorf("%w: %s doesn't let %s in; tried %s; is it the right user, and the key in its authorized_keys? (%w)", ErrLogin, t.addr, user, keys.tried(), err)
}

// progress says how far an attempt came.
func progress(heard string, known bool) string {
	switch {
	case known:
		return "showed its host key"
	case heard != "":
		return "began to speak SSH"
	}
	return "accepted the connection"
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line[:min(len(line), 80)])
}
