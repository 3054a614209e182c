package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		args   []string
		code   int
		out    string
		err    string
	}{
		{name: "ready", status: 200, body: `{"status":"ready"}`},
		{name: "ready, with the lever engaged", status: 200, body: `{"status":"ready","lever":"engaged"}`},
		{name: "ready, but slow", status: 200, body: `{"status":"ready","warnings":["commits take 2 s"]}`, err: "warning: commits take 2 s\n"},
		{
			name: "ready, for a program", status: 200, body: `{"status":"ready","new":1}`, args: []string{"-o", "json"},
			out: "{\n  \"status\": \"ready\",\n  \"new\": 1\n}\n",
		},
		{
			name: "not ready", status: 503, body: `{"msg":"not ready: the store is full","detail":"not ready: the store is full"}`,
			code: 1, err: "not ready: the store is full",
		},
		{name: "something else", status: 200, body: `hello`, code: 1},
		{name: "a wait that is none", args: []string{"--timeout", "0s"}, code: 2, err: "--timeout: 0s is not more than 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != "/readyz" {
					t.Errorf("it asked for %s %s", r.Method, r.URL.Path)
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			defer server.Close()
			c := begin(t, append([]string{"health", "--server", server.URL}, test.args...)...)
			if code := c.end(t); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if c.stdout.String() != test.out || !strings.Contains(c.stderr.String(), test.err) || test.err == "" && test.code == 0 && c.stderr.String() != "" {
				t.Errorf("it said %q and %q, want %q and %q", c.stdout.String(), c.stderr.String(), test.out, test.err)
			}
		})
	}
}

// A probe must end, also when the daemon does not answer.
func TestHealthOfADaemonThatHangs(t *testing.T) {
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
	defer server.Close()
	defer close(held)
	c := begin(t, "health", "--server", server.URL, "--timeout", "50ms")
	if code := c.end(t); code != 1 || !strings.Contains(c.stderr.String(), "the daemon did not answer within 50ms") {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestHealthOfNoDaemon(t *testing.T) {
	c := begin(t, "health", "--server", "unix:"+t.TempDir()+"/cmed.sock")
	if code := c.end(t); code != 1 || c.stderr.String() == "" {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}
