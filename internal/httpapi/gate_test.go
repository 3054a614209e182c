package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// gate is a server that serves over TCP and a unix socket, with keys and an audit
// in a real store.
type gate struct {
	t      *testing.T
	dir    string
	engine *fakeEngine
	store  *store.Store
	keys   *access.Keyring
	server *Server
	log    *logText
	addr   string // TCP
	socket string
	calls  int
}

// logText is a log that may be read while it is written.
type logText struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// newGate serves until the test ends.
func newGate(t *testing.T, cfg Config) *gate {
	t.Helper()
	return openGate(t, t.TempDir(), cfg)
}

// openGate serves with the store of a folder.
func openGate(t *testing.T, dir string, cfg Config) *gate {
	t.Helper()
	g := &gate{t: t, dir: dir, engine: undoing(offering(newFake(t))), log: &logText{}}
	var err error
	if g.store, err = store.Open(filepath.Join(dir, "cme.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.store.Close() })
	if g.keys, err = access.Open(t.Context(), g.store); err != nil {
		t.Fatal(err)
	}
	cfg.Version, cfg.Keys = "test", g.keys
	if cfg.Audit == nil {
		cfg.Audit = g.store
	}
	if cfg.Metrics == nil {
		cfg.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "cmed_up 1") })
	}
	cfg.Backup = func(ctx context.Context) (Backup, error) {
		copied, err := g.store.Snapshot(ctx)
		if err != nil {
			return Backup{}, err
		}
		return Backup{copied, copied.At, copied.Size}, nil
	}
	g.server = NewServer(cfg, g.engine, hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: g.log}))
	g.addr = g.listen("tcp", "127.0.0.1:0")
	g.socket = g.listen("unix", filepath.Join(t.TempDir(), "s"))
	return g
}

// listen serves at one more address, until the test ends.
func (g *gate) listen(network, address string) string {
	g.t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		g.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.server.Serve(ln, nil) }()
	g.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(g.server.Shutdown(ctx), <-served); err != nil {
			g.t.Errorf("shutdown: %v", err)
		}
	})
	return ln.Addr().String()
}

// key makes a key and returns its id and secret.
func (g *gate) key(want access.NewKey) (access.KeyID, string) {
	g.t.Helper()
	if want.Name == "" {
		want.Name = string(want.Role) + "-key"
	}
	k, secret, err := g.keys.Make(context.Background(), want)
	if err != nil {
		g.t.Fatal(err)
	}
	return k.ID, secret
}

// expired makes a key and waits until its time is over.
func (g *gate) expired() string {
	g.t.Helper()
	until := time.Now().Add(20 * time.Millisecond)
	_, secret := g.key(access.NewKey{Name: "expired-key", Role: access.Admin, Expires: until})
	<-time.After(time.Until(until) + time.Millisecond)
	return secret
}

func (g *gate) revoked() string {
	g.t.Helper()
	id, secret := g.key(access.NewKey{Name: "revoked-key", Role: access.Admin})
	if _, err := g.keys.Revoke(context.Background(), id); err != nil {
		g.t.Fatal(err)
	}
	return secret
}

// do sends a request over TCP.
func (g *gate) do(c call) answer {
	g.t.Helper()
	return g.doVia("tcp", g.addr, c)
}

// doLocal sends a request over the socket.
func (g *gate) doLocal(c call) answer {
	g.t.Helper()
	return g.doVia("unix", g.socket, c)
}

func (g *gate) doVia(network, address string, c call) answer {
	g.t.Helper()
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	}
	r, err := http.NewRequest(c.method, "http://localhost"+c.target, strings.NewReader(c.body))
	if err != nil {
		g.t.Fatal(err)
	}
	maps.Copy(r.Header, c.header)
	if host := c.header.Get("Host"); host != "" {
		r.Host = host
	}
	res, err := client.Do(r)
	if err != nil {
		g.t.Fatalf("%s %s: %v", c.method, c.target, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatalf("%s %s: %v", c.method, c.target, err)
	}
	return answer{g.t, res.StatusCode, res.Header, body}
}

// bearing is a call that shows a key.
func (c call) bearing(secret string) call { return c.with("Authorization", "Bearer "+secret) }

// elsewhere is a call from an address that no call came from before, as a trusted
// proxy tells it.
func (g *gate) elsewhere(c call) call {
	g.calls++
	return c.with(forwardedFor, netip.AddrFrom4([4]byte{203, 0, byte(g.calls >> 8), byte(g.calls)}).String())
}

// believingLoopback is a configuration in which loopback is a trusted proxy.
var believingLoopback = Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

// entries are those of the audit.
func (g *gate) entries() []audit.Entry {
	g.t.Helper()
	var all []audit.Entry
	for {
		q := audit.Query{Limit: 1000}
		if len(all) > 0 {
			q.After = all[len(all)-1].Seq
		}
		entries, err := g.store.Audit(context.Background(), q)
		if err != nil {
			g.t.Fatal(err)
		}
		if len(entries) == 0 {
			return all
		}
		all = append(all, entries...)
	}
}

// changes are what the engine was told to do since it was last asked.
func (g *gate) changes() []string {
	g.engine.mu.Lock()
	defer g.engine.mu.Unlock()
	changes := g.engine.changes
	g.engine.changes = nil
	return changes
}
