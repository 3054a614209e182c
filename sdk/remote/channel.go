package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// shell is what the machine is asked to run: a POSIX shell that reads a program
// from standard input. Whatever the user's login shell is, it understands this.
const shell = "sh -s"

// How long, and how often, a refused session is asked for again.
const (
	openPatience = time.Second
	openPause    = 50 * time.Millisecond
)

// command is something that runs on the machine, on a channel of its own. It is
// on the bare channel because ssh.Session tells the exit status only when the
// channel closes, which a process left in the background can put off for ever.
type command struct {
	ch     ssh.Channel
	exited chan struct{} // closed once how it ended is known, or never will be
	ended  ending

	release func() bool // has the channel outlive the context it was opened in
}

// ending is what the machine says of a command's end.
type ending struct {
	told   bool // false: the channel closed without a word
	status int
	signal string
}

// start opens a channel and makes a request on it: "exec" with a command line,
// "subsystem" with a name. It returns when the machine has accepted or refused,
// or ctx ended; the machine hasn't been sent any input then.
func (c *Client) start(ctx context.Context, kind, what string) (*command, error) {
	var cmd *command
	err := c.within(ctx, func() error {
		ch, requests, err := c.open(ctx)
		if err != nil {
			return fmt.Errorf("open a session: %w", err)
		}
		started := &command{ch: ch, exited: make(chan struct{})}
		started.release = context.AfterFunc(ctx, func() { _ = ch.Close() })
		if !c.spawn(func() { started.watch(requests) }) {
			return errors.Join(ErrLost, ch.Close())
		}
		payload := ssh.Marshal(struct{ What string }{what})
		accepted, err := ch.SendRequest(kind, true, payload)
		switch {
		case err != nil:
			return fmt.Errorf("ask for %s: %w", what, err)
		case !accepted:
			_ = ch.Close()
			return refusedError{what}
		}
		cmd = started
		return nil
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil, err
	}
	if err != nil {
		return nil, c.orLost(err)
	}
	if !cmd.release() {
		return nil, context.Cause(ctx)
	}
	return cmd, nil
}

// open opens a channel. A machine that bounds the sessions of a connection counts
// one that we have just closed for a moment longer, so a refusal isn't final at
// once.
func (c *Client) open(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	for patience := openPatience; ; patience -= openPause {
		ch, requests, err := c.conn.OpenChannel("session", nil)
		denied, ok := errors.AsType[*ssh.OpenChannelError](err)
		if !ok || patience <= 0 || denied.Reason == ssh.Prohibited {
			return ch, requests, err
		}
		select {
		case <-time.After(openPause):
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// refusedError says that the machine logs people in but runs nothing for them.
type refusedError struct{ what string }

func (e refusedError) Error() string {
	return fmt.Sprintf("the machine refuses to run %q: the account may be restricted to something else", e.what)
}

// watch waits for the word of how the command ended.
func (cmd *command) watch(requests <-chan *ssh.Request) {
	var once sync.Once
	over := func() { close(cmd.exited) }
	for r := range requests {
		var status struct{ Status uint32 }
		var signal struct {
			Name    string
			Core    bool
			Message string
			Lang    string
		}
		switch {
		case r.Type == "exit-status" && ssh.Unmarshal(r.Payload, &status) == nil:
			once.Do(func() {
				cmd.ended = ending{told: true, status: int(status.Status)}
				over()
			})
		case r.Type == "exit-signal" && ssh.Unmarshal(r.Payload, &signal) == nil:
			once.Do(func() {
				cmd.ended = ending{told: true, signal: signal.Name}
				over()
			})
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
	once.Do(over)
}

// feed writes the input and closes it, in a goroutine of the connection.
func (c *Client) feed(cmd *command, input []byte) {
	c.spawn(func() {
		// A command that ended early doesn't want it all.
		_, _ = cmd.ch.Write(input)
		_ = cmd.ch.CloseWrite()
	})
}

// copyOutput copies both streams until they end and returns a channel that is
// closed then.
func (c *Client) copyOutput(cmd *command, stdout, stderr io.Writer) <-chan struct{} {
	done := make(chan struct{})
	var left atomic.Int32
	left.Store(2)
	over := func() {
		if left.Add(-1) == 0 {
			close(done)
		}
	}
	copying := func(w io.Writer, r io.Reader) {
		if !c.spawn(func() { defer over(); _, _ = io.Copy(w, r) }) {
			over()
		}
	}
	copying(stdout, cmd.ch)
	copying(stderr, cmd.ch.Stderr())
	return done
}

// spawn runs f in a goroutine that Close waits for. It reports false, and runs
// nothing, if the client is closed.
func (c *Client) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closing:
		return false
	default:
	}
	c.owned.Go(f)
	return true
}

// within runs f, which the machine can keep waiting, and returns its error, or
// the context's cause if that ends first. Then f goes on until the connection
// is closed, at the latest.
func (c *Client) within(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	done := make(chan error, 1)
	if !c.spawn(func() { done <- f() }) {
		return fmt.Errorf("%w: it was closed", ErrLost)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// orLost returns the error, as ErrLost with the reason if the connection is gone.
// What uses the connection may see its end a little before it is known here.
func (c *Client) orLost(err error) error {
	_, denied := errors.AsType[*ssh.OpenChannelError](err)
	_, refused := errors.AsType[refusedError](err)
	if errors.Is(err, ErrLost) || denied || refused {
		return err
	}
	select {
	case <-c.dead:
		return c.lost()
	case <-time.After(lastWords):
		return err
	}
}

// lost returns ErrLost with what is known of the reason.
func (c *Client) lost() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return fmt.Errorf("%w: %s: %w", ErrLost, c.addr, c.why)
	}
	return fmt.Errorf("%w: %s closed it", ErrLost, c.addr)
}
