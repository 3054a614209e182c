package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// dial connects, for at most ten seconds.
func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// isClosed waits until the server hangs up, whatever it says before.
func isClosed(t *testing.T, conn net.Conn) string {
	t.Helper()
	said, err := io.ReadAll(conn)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Fatalf("the connection stays open; it said %q", said)
	}
	return string(said)
}

func TestClientsThatTakeTheirTimeAreCut(t *testing.T) {
	const limit = 50 * time.Millisecond
	g := newGate(t, Config{Open: OpenHere, HeaderTimeout: limit, IdleTimeout: limit, BodyTimeout: limit, WriteTimeout: limit})
	tests := []struct{ name, sends, hears string }{
		{"one that says nothing", "", ""},
		{"one that begins a request", "GET / HT", ""},
		{"one whose headers have no end", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n", ""},
		{"one that stops asking", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200"},
		{"one whose body does not come", postHead + "Content-Length: 100\r\n\r\n{", "HTTP/1.1 408"},
		{"one whose chunks do not come", postHead + "Transfer-Encoding: chunked\r\n\r\n5\r\n{", "HTTP/1.1 408"},
	}
	for _, network := range []string{"tcp", "unix"} {
		for _, tt := range tests {
			t.Run(network+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				addr := g.addr
				if network == "unix" {
					addr = g.socket
				}
				conn := dial(t, network, addr)
				if _, err := io.WriteString(conn, tt.sends); err != nil {
					t.Fatal(err)
				}
				if said := isClosed(t, conn); !strings.HasPrefix(said, tt.hears) {
					t.Errorf("it hears %q", said)
				}
			})
		}
	}
}

// One that sends a byte now and then is no better than one that sends none.
func TestHeadersThatTrickleAreCut(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere, HeaderTimeout: 100 * time.Millisecond})
	conn := dial(t, "tcp", g.addr)
	began := time.Now()
	text := "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", 10_000)
	for i := range len(text) {
		if _, err := conn.Write([]byte{text[i]}); err != nil {
			break
		}
		<-time.After(5 * time.Millisecond) // the client's own pace
		if time.Since(began) > 5*time.Second {
			t.Fatal("it is still listened to")
		}
	}
	isClosed(t, conn)
}

func TestConnectionsAreBounded(t *testing.T) {
	const most = 4
	g := newGate(t, Config{Open: OpenHere, MaxConnections: most, HeaderTimeout: 300 * time.Millisecond})
	for range 2 * most { // they say nothing
		dial(t, "tcp", g.addr)
	}
	began := time.Now()
	g.doLocal(get("/healthz")).is(http.StatusOK) // the other door has places of its own
	if took := time.Since(began); took > 250*time.Millisecond {
		t.Errorf("over the socket it took %v", took)
	}
	g.do(get("/healthz")).is(http.StatusOK) // when the silent ones are cut
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("a place was free after %v", took)
	}
	for range 3 * most { // no place is lost
		g.do(get("/healthz")).is(http.StatusOK)
	}
}

// crowd is a listener with connections from the addresses given, in their order.
type crowd struct {
	net.Listener
	from  []string
	given []*caller
}

func (c *crowd) Accept() (net.Conn, error) {
	if len(c.from) == 0 {
		return nil, net.ErrClosed
	}
	at := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.from[0]), 4711))
	c.from = c.from[1:]
	c.given = append(c.given, &caller{at: at})
	return c.given[len(c.given)-1], nil
}

// caller is a connection of which only the address matters.
type caller struct {
	net.Conn
	at     *net.TCPAddr
	closed bool
}

func (c *caller) RemoteAddr() net.Addr { return c.at }

func (c *caller) Close() error {
	c.closed = true
	return nil
}

func TestOneAddressDoesNotTakeAllPlaces(t *testing.T) {
	const places = 8
	var log bytes.Buffer
	s := NewServer(Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, newFake(t), hclog.New(&hclog.LoggerOptions{Output: &log}))
	for _, c := range []struct {
		rule, from string
		most       int
	}{
		{"another machine", "192.0.2.1", places / 2},
		{"another machine, by IPv6", "::ffff:192.0.2.1", places / 2},
		{"a network of IPv6", "2001:db8::1", places / 2},
		{"this machine", "127.0.0.1", places},
		{"a trusted proxy", "10.1.2.3", places},
	} {
		t.Run(c.rule, func(t *testing.T) {
			from := slices.Repeat([]string{c.from}, places)
			if c.from == "2001:db8::1" {
				from[1] = "2001:db8::2"
			}
			crowd := &crowd{from: append(from, "198.51.100.7")}
			ln := newBoundedListener(crowd, places, s.standsForMany, s.turnAway())
			var held []net.Conn
			for range c.most {
				conn, err := ln.Accept()
				if err != nil || !strings.Contains(conn.RemoteAddr().String(), "4711") || conn.RemoteAddr().String()[:3] == "198" {
					t.Fatalf("after %d: %v, %v", len(held), conn, err)
				}
				held = append(held, conn)
			}
			if c.most == places { // the last one waits
				held[0].Close()
			}
			conn, err := ln.Accept()
			if err != nil || conn.RemoteAddr().String() != "198.51.100.7:4711" {
				t.Fatalf("then comes %v, %v", conn, err)
			}
			for i, each := range crowd.given[:places] {
				if refused := i >= c.most; each.closed != (refused || c.most == places && i == 0) {
					t.Errorf("connection %d: that it is closed is %t", i, each.closed)
				}
			}
			for _, each := range append(held, conn) {
				each.Close()
			}
			if len(ln.places) != 0 || len(ln.crowds.here) != 0 {
				t.Errorf("%d places are taken, of %v", len(ln.places), ln.crowds.here)
			}
			if said := strings.Count(log.String(), "half of the connections"); said != min(1, places-c.most) {
				t.Errorf("it says %d times so: %s", said, log.String())
			}
			log.Reset()
		})
	}
}

func TestAFullServerCanBeShutDown(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere, MaxConnections: 1, HeaderTimeout: 300 * time.Millisecond})
	dial(t, "tcp", g.addr)
	dial(t, "tcp", g.addr) // the shutdown is at the end of the test
}

// What is refused is not read to its end.
func TestABodyThatNobodyMaySend(t *testing.T) {
	g := newGate(t, Config{BodyTimeout: 200 * time.Millisecond})
	g.key(access.NewKey{Role: access.Admin})
	conn := dial(t, "tcp", g.addr)
	fmt.Fprintf(conn, postHead+"Content-Length: %d\r\n\r\n{", maxBody)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s", res.Status)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	isClosed(t, conn)
}

func TestBoundedConnectionsGiveTheirPlaceBackOnce(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bounded := newBoundedListener(ln, 1, func(netip.Addr) bool { return true }, nil)
	for range 2 {
		dial(t, "tcp", ln.Addr().String())
		conn, err := bounded.Accept()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if len(bounded.places) != 0 {
		t.Error("a place is taken")
	}
	for range 2 {
		if err := bounded.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := bounded.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting ends with %v", err)
	}
	if len(bounded.places) != 0 {
		t.Error("a place is taken")
	}
}

// An answer that is given before all of a request was read arrives all the same.
func TestAnAnswerIsNotLostWithTheRestOfTheRequest(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	for range 20 {
		conn := dial(t, "tcp", g.addr)
		written := make(chan struct{})
		go func() {
			defer close(written)
			// What the server does not take is its matter.
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: "+strings.Repeat("x", 4*maxHeaderBytes)+"\r\n\r\n")
		}()
		said, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 431") {
			t.Errorf("%.100q, %v", said, err)
		}
		conn.Close()
		<-written
	}
}
