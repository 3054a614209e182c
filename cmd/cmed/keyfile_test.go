package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestKeysOutOfPipes(t *testing.T) {
	folder := t.TempDir()
	fifo := filepath.Join(folder, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStandIn(t, map[string][]string{"GET /api/1/attacks/": {`{"attacks":[{"ref":"a:B"}]}`}})
	args := []string{"attacks", "--server", s.URL, "--key-file", fifo}

	// Nobody writes: no call waits for that, least of all a completion.
	if got := callWith(t, nil, "", args...); got.code != exitUsage || !strings.Contains(got.stderr, "that is no key") {
		t.Errorf("%+v", got)
	}
	writer, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	completing := append([]string{"__complete"}, append(args, "")...)
	if got := callWith(t, nil, "", completing...); got.code != 0 || strings.Contains(got.stdout, "a:B") {
		t.Errorf("a completion with a pipe: %+v", got)
	}
	if got := callWith(t, nil, "", "__complete", "attacks", "--server", s.URL, "--ca-file", fifo, ""); got.code != 0 || strings.Contains(got.stdout, "a:B") {
		t.Errorf("a completion with authorities out of a pipe: %+v", got)
	}

	// Somebody writes, as with <(pass show cmed).
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if _, err := to.WriteString("cmed_piped\n"); err != nil {
		t.Fatal(err)
	}
	to.Close()
	d, err := (&where{server: s.URL, keyFile: fmt.Sprintf("/dev/fd/%d", from.Fd())}).daemon(program{})
	if err != nil || d.key != "cmed_piped" {
		t.Errorf("%+v, %v", d, err)
	}

	// A file is not read beyond what a key can be.
	if _, err := (&where{server: s.URL, keyFile: "/dev/zero"}).daemon(program{}); err == nil || !strings.Contains(err.Error(), "more than 4096 bytes") {
		t.Errorf("%v", err)
	}
}
