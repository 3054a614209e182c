package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const defaultTimeout = 10 * time.Second

// errSlow is the cause of a context that ends with Login.Timeout.
var errSlow = errors.New("no answer in time")

// Dial connects to addr, a host and a port, and logs in, in Login.Timeout at
// most. The errors say what to do: an unknown host how its key gets known, a
// changed key that somebody may be in between, a refused login which keys were
// tried. They are ErrUnreachable, ErrHostKey, ErrLogin or ErrKey, or the cause
// of a context that ended.
func Dial(ctx context.Context, addr string, login Login) (*Client, error) {
	target, err := parseTarget(addr, login)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, target.timeout, errSlow)
	defer cancel()
	policy, err := newHostPolicy(target.addr, login.HostKeys)
	if err != nil {
		return nil, err
	}
	keys, err := openKeys(ctx, login)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	for {
		conn, err := target.connect(ctx, login.User, keys, policy)
		if err == nil {
			return newClient(conn, target.addr, login), nil
		}
		// A fingerprint doesn't say the type of its key, and a server shows only
		// one of its keys: it is asked for each type.
		if !policy.narrow() || ctx.Err() != nil {
			return nil, err
		}
	}
}

// target is a machine to connect to.
type target struct {
	addr    string // with the host in lower case, as known_hosts has it
	timeout time.Duration
}

func parseTarget(addr string, login Login) (target, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return target{}, fmt.Errorf("%q is not a host and a port (%q)", addr, "host:22")
	}
	if login.User == "" {
		return target{}, fmt.Errorf("%w: no user is named", ErrLogin)
	}
	t := target{addr: net.JoinHostPort(strings.ToLower(host), port), timeout: login.Timeout}
	if t.timeout <= 0 {
		t.timeout = defaultTimeout
	}
	return t, nil
}

// connect makes one attempt.
func (t target) connect(ctx context.Context, user string, keys *keys, policy *hostPolicy) (*ssh.Client, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, t.unreachable(ctx, err)
	}
	attempt := &attempt{Conn: raw}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn, channels, requests, err := ssh.NewClientConn(attempt, t.addr, &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeysCallback(keys.offer)},
		HostKeyAlgorithms: policy.algorithms,
		HostKeyCallback: func(hostname string, remote net.Addr, key ssh.PublicKey) error {
			return attempt.judge(policy.check(hostname, remote, key))
		},
	})
	if err != nil {
		stop()
		_ = raw.Close()
		return nil, t.explain(ctx, attempt, user, keys, policy, err)
	}
	if !stop() {
		_ = conn.Close()
		return nil, t.unreachable(ctx, context.Cause(ctx))
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// attempt is the connection of one attempt. It remembers how far it came.
type attempt struct {
	net.Conn

	mu      sync.Mutex
	first   []byte // the first bytes the other side said
	verdict error  // of the host key
	known   bool   // the host key was accepted
}

// judge remembers what is thought of the host key.
func (a *attempt) judge(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.verdict, a.known = err, err == nil
	return err
}

func (a *attempt) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	if room := 512 - len(a.first); room > 0 {
		a.first = append(a.first, p[:min(n, room)]...)
	}
	return n, err
}

// story returns what the other side said first, and what was thought of its key.
func (a *attempt) story() (heard string, known bool, verdict error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.first), a.known, a.verdict
}

func newClient(conn *ssh.Client, addr string, login Login) *Client {
	c := &Client{
		addr: addr, login: login, conn: conn,
		dead: make(chan struct{}), closing: make(chan struct{}),
	}
	c.spawn(func() {
		_ = conn.Wait()
		close(c.dead)
	})
	c.spawn(c.keepAlive)
	return c
}

// Close ends the connection and waits for everything that used it. What runs on
// the machine goes on.
func (c *Client) Close() error {
	c.once.Do(func() {
		c.mu.Lock()
		close(c.closing)
		c.mu.Unlock()
		_ = c.conn.Close() // an error only says that it had ended before
	})
	c.owned.Wait()
	return nil
}
