package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// dial opens a connection to the daemon, to say what an HTTP client would not.
func (c client) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// say writes to a connection. What can't be written is not an error: the server
// may have answered and closed before the end.
func say(conn net.Conn, text string) { _, _ = io.WriteString(conn, text) }

// hear reads the answer of a connection; status 0 when there is none.
func hear(t testing.TB, conn net.Conn) answer {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("the answer %s is cut off: %v", resp.Status, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// head is the beginning of a request that posts a plan.
func head(more ...string) string {
	lines := append([]string{"POST /api/1/plans/ HTTP/1.1", "Host: localhost", "Content-Type: application/json"}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// What never gets past the reading of a request is refused or cut off, and the
// daemon goes on.
func TestBrokenRequests(t *testing.T) {
	t.Parallel()
	d := start(t)
	plan := toJSON(t, sleepPlan(tomorrow()))
	large := strings.Repeat("x", 64<<10)
	chunked := func(chunks ...string) string {
		var b strings.Builder
		b.WriteString(head("Transfer-Encoding: chunked"))
		for _, c := range chunks {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(c), c)
		}
		return b.String() + "0\r\n\r\n"
	}
	for name, broken := range map[string]struct {
		text   string
		status int
	}{
		"a header of 128 KiB":                    {head("X-Large: "+large+large) + plan, 431},
		"many headers of 128 KiB":                {head(strings.Split(strings.Repeat("X-Many: 0123456789012345678901234567890123456789\n", 3000), "\n")...), 431},
		"a chunked body over the limit":          {chunked(slicesOf(`"`+strings.Repeat("x", 1<<20)+`"`, 64<<10)...), 413},
		"a length over the limit":                {head("Content-Length: 1048577") + "{", 413},
		"a length of a terabyte":                 {head("Content-Length: 1099511627776") + "{", 413},
		"a chunk that is none":                   {head("Transfer-Encoding: chunked") + "zz\r\n{}\r\n0\r\n\r\n", 400},
		"a length that is none":                  {head("Content-Length: ten") + plan, 400},
		"a negative length":                      {head("Content-Length: -1") + plan, 400},
		"two lengths":                            {head("Content-Length: 5", "Content-Length: 6") + plan, 400},
		"an unknown transfer encoding":           {head("Transfer-Encoding: gzip") + plan, 501},
		"no host":                                {"GET / HTTP/1.1\r\n\r\n", 400},
		"two hosts":                              {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n", 400},
		"a host that is none":                    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		"a name in the request line":             {"GET http://attacker.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 421},
		"a line that is none":                    {"HELLO\r\n\r\n", 400},
		"another protocol":                       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		"a header without colon":                 {head("Nonsense") + plan, 400},
		"a header with a line break in its name": {"GET / HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n", 400},
		"HTTP/3":                                 {"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505},
	} {
		t.Run(name, func(t *testing.T) {
			conn := d.dial(t)
			go say(conn, broken.text) // ends with the connection
			a := hear(t, conn)
			if a.status != broken.status {
				t.Fatalf("status %d, want %d: %.300s", a.status, broken.status, a.body)
			}
			if a.status == 413 || a.status == 421 { // the others are not ours to word
				checkProblem(t, a, broken.status, "")
			}
		})
	}
	d.checkNothingStored(t)
}

func TestABodyThatEndsEarlyIsRefused(t *testing.T) {
	t.Parallel()
	d := start(t)
	conn := d.dial(t)
	say(conn, head("Content-Length: 1000")+toJSON(t, sleepPlan(tomorrow())))
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	checkProblem(t, hear(t, conn), http.StatusBadRequest, "payload must be a valid json")
	d.checkNothingStored(t)
}

// slicesOf cuts a text into pieces.
func slicesOf(text string, size int) []string {
	var pieces []string
	for len(text) > size {
		pieces, text = append(pieces, text[:size]), text[size:]
	}
	return append(pieces, text)
}

// A client that takes its time is cut off, whether it is slow with the head or
// with the body. Both bounds are ten seconds.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	t.Run("with the head", func(t *testing.T) {
		t.Parallel()
		conn := d.dial(t)
		say(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		began := time.Now()
		if rest, err := io.ReadAll(conn); err != nil || bytes.Contains(rest, []byte("200 OK")) {
			t.Errorf("after %s: %v: %q", time.Since(began), err, rest)
		}
	})
	t.Run("with the body", func(t *testing.T) {
		t.Parallel()
		conn := d.dial(t)
		say(conn, head("Content-Length: 100")+"{")
		checkProblem(t, hear(t, conn), http.StatusRequestTimeout, "the body took too long to arrive")
	})
}

// checkNothingStored fails the test when there is a plan or an executor.
func (c client) checkNothingStored(t testing.TB) {
	t.Helper()
	if n := len(c.get(t, "/api/1/plans/?all=true").list("plans")); n != 0 {
		t.Errorf("%d plans are stored", n)
	}
	if n := len(c.executors(t, "?executed=true")); n != 0 {
		t.Errorf("%d executors are stored", n)
	}
}
