package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds the wait for what a daemon does.
const patience = 30 * time.Second

// buffer is a writer that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var _ io.Writer = (*buffer)(nil)

// call is one call of cmed and what came of it.
type call struct {
	stdout, stderr buffer
	signals        chan os.Signal
	code           chan int
}

// begin calls cmed with the arguments given and no environment.
func begin(t *testing.T, args ...string) *call {
	t.Helper()
	c := &call{signals: make(chan os.Signal, 4), code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		c.code <- run(ctx, program{args: args, stdout: &c.stdout, stderr: &c.stderr, signals: c.signals})
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

// end returns the exit code.
func (c *call) end(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.code:
		return code
	case <-time.After(patience):
		t.Fatalf("cmed did not end; it said:\n%s%s", c.stdout.String(), c.stderr.String())
		return 0
	}
}

// await waits until what cmed writes contains text.
func await(t *testing.T, b *buffer, text string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(b.String(), text) {
		if time.Now().After(deadline) {
			t.Fatalf("cmed did not say %q but:\n%s", text, b.String())
		}
		time.Sleep(time.Millisecond)
	}
}
