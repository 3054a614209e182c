package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends text over a connection of its own and returns what comes back.
func raw(t *testing.T, addr, text string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Logf("write: %v", err) // the server may have hung up on it
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

const postHead = "POST /api/1/plans/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

// msgOf reads the msg of an answer.
func msgOf(t *testing.T, res *http.Response) string {
	t.Helper()
	var p problem
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		t.Fatalf("decode answer: %v", err)
	}
	return p.Msg
}

func TestSlowBody(t *testing.T) {
	for name, head := range map[string]string{
		"with a length": "Content-Length: 100\r\n\r\n{",
		"chunked":       "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			_, addr := serveLoopback(t, Config{BodyTimeout: 20 * time.Millisecond}, f)
			res := raw(t, addr, postHead+head)
			if res.StatusCode != http.StatusRequestTimeout || msgOf(t, res) != "the body took too long to arrive" || !res.Close {
				t.Errorf("got %s", res.Status)
			}
			if len(f.changes) != 0 {
				t.Errorf("did %v", f.changes)
			}
		})
	}
}

func TestSlowBodyThatNobodyReads(t *testing.T) {
	_, addr := serveLoopback(t, Config{BodyTimeout: 20 * time.Millisecond}, newFake(t))
	res := raw(t, addr, "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("got %s", res.Status)
	}
}

func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	const limit = 30 * time.Millisecond
	f := newFake(t)
	var planned error
	f.onCreate = func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-time.After(5 * limit): // planning takes longer than a body may
		}
		planned = ctx.Err()
	}
	_, addr := serveLoopback(t, Config{BodyTimeout: limit}, f)
	res := raw(t, addr, fmt.Sprintf(postHead+"Content-Length: %d\r\n\r\n%s", len(minimalPlan), minimalPlan))
	if res.StatusCode != http.StatusOK || planned != nil {
		t.Errorf("got %s; the planning ended with %v", res.Status, planned)
	}
}

func TestChunkedBodyWithoutEnd(t *testing.T) {
	f := newFake(t)
	_, addr := serveLoopback(t, Config{}, f)
	var text strings.Builder
	text.WriteString(postHead + "Transfer-Encoding: chunked\r\n\r\n")
	part := strings.Repeat(" ", 64<<10)
	for range maxBody/len(part) + 1 {
		fmt.Fprintf(&text, "%x\r\n%s\r\n", len(part), part)
	}
	res := raw(t, addr, text.String())
	if res.StatusCode != http.StatusRequestEntityTooLarge || !strings.HasPrefix(msgOf(t, res), "the body is larger") {
		t.Errorf("got %s", res.Status)
	}
	if len(f.changes) != 0 {
		t.Errorf("did %v", f.changes)
	}
}

func TestBodyThatSaysItIsTooLargeIsNotWaitedFor(t *testing.T) {
	_, addr := serveLoopback(t, Config{BodyTimeout: 20 * time.Millisecond}, newFake(t))
	res := raw(t, addr, fmt.Sprintf(postHead+"Content-Length: %d\r\n\r\n{", maxBody+1))
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s", res.Status)
	}
}

func TestBodyOfTheLargestSize(t *testing.T) {
	f := newFake(t)
	_, addr := serveLoopback(t, Config{}, f)
	filler := strings.Repeat(" ", maxBody-len(minimalPlan))
	res, err := http.Post("http://"+addr+"/api/1/plans/", "application/vnd.cme+json; charset=UTF-8", strings.NewReader(minimalPlan+filler))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("got %s", res.Status)
	}
}

func TestHeadersWithoutEnd(t *testing.T) {
	_, addr := serveLoopback(t, Config{}, newFake(t))
	res := raw(t, addr, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: "+strings.Repeat("x", 2*maxHeaderBytes)+"\r\n\r\n")
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s", res.Status)
	}
}

func TestKeptAliveConnectionOutlivesItsDeadlines(t *testing.T) {
	const limit = 30 * time.Millisecond
	_, addr := serveLoopback(t, Config{BodyTimeout: limit, WriteTimeout: limit}, newFake(t))
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for i := range 3 {
		if i > 0 {
			<-time.After(2 * limit) // past the deadlines of the request before
		}
		if _, err := fmt.Fprintf(conn, postHead+"Content-Length: %d\r\n\r\n%s", len(minimalPlan), minimalPlan); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("answer %d: %s, %v", i, res.Status, err)
		}
		res.Body.Close()
	}
}
