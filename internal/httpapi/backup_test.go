package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestASlowReaderKeepsNobodyFromABackup has one that takes its copy for ever.
func TestASlowReaderKeepsNobodyFromABackup(t *testing.T) {
	g := newGate(t, Config{})
	copies := []Backup{
		{ReadCloser: &large{second: func() {}}, At: time.Now(), Size: 256 << 20},
		{ReadCloser: io.NopCloser(strings.NewReader("whole")), At: time.Now(), Size: 5},
	}
	g.server.cfg.Backup = func(context.Context) (Backup, error) {
		next := copies[0]
		copies = copies[1:]
		return next, nil
	}
	slow := dial(t, "unix", g.socket)
	if _, err := io.WriteString(slow, "GET /api/1/backup HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(slow, make([]byte, 64)); err != nil { // it is being sent, and no more is read
		t.Fatal(err)
	}
	if a := g.doLocal(get("/api/1/backup")).is(http.StatusOK); string(a.body) != "whole" {
		t.Errorf("the second got %q", a.body)
	}
}
