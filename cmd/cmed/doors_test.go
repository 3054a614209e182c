package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// state is the state folder of the daemon that lives in the home.
func (h home) state() string { return strings.TrimSuffix(h.database, ".db") + ".state" }

func (h home) socket() string { return filepath.Join(h.state(), "cmed.sock") }

// ready waits for the ready line and returns where the daemon serves.
func (c *call) ready(t *testing.T) string {
	t.Helper()
	await(t, &c.stdout, " is ready: ")
	found := regexp.MustCompile(`https?://\S+:\d+/`).FindString(c.stdout.String())
	if found == "" {
		t.Fatalf("it greets with %q", c.stdout.String())
	}
	return found
}

// stop ends a daemon well.
func (c *call) stop(t *testing.T) {
	t.Helper()
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

// visitor calls a daemon.
type visitor struct {
	key    string
	socket string
	tls    *tls.Config
}

func (v visitor) do(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: v.tls}
	if v.socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", v.socket)
		}
	}
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if v.key != "" {
		r.Header.Set("Authorization", "Bearer "+v.key)
	}
	res, err := (&http.Client{Transport: transport, Timeout: patience}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// sees fails the test unless the daemon answers so.
func (v visitor) sees(t *testing.T, status int, method, url, body string) string {
	t.Helper()
	got, answer := v.do(t, method, url, body)
	if got != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, url, got, status, answer)
	}
	return answer
}

var firstKey = regexp.MustCompile(`^The first API key, an administrator's, shown this once only: (cmed_\S+)\n`)

func TestOtherMachinesNeedAKey(t *testing.T) {
	h := newHome(t)
	everywhere := h.args("--host", "0.0.0.0", "--insecure-transport")
	c := begin(t, everywhere...)
	if code := c.end(t); code != exitUsage {
		t.Fatalf("exit code %d, want %d", code, exitUsage)
	}
	want := "cmed: --host 0.0.0.0 lets other machines reach the API, and no API key has been made yet: " +
		"start it with --first-key too, which makes one and prints it; or start it without --host, " +
		"make one with \"cmed key create\", and start it anew. With --insecure, whoever reaches it can run " +
		"every attack until the first key is made\nSee 'cmed --help'.\n"
	if got := c.stderr.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}

	c = begin(t, append(everywhere, "--first-key")...)
	url := c.ready(t)
	found := firstKey.FindStringSubmatch(c.stdout.String())
	if found == nil || strings.Count(c.stdout.String(), "cmed_") != 1 {
		t.Fatalf("it says %q", c.stdout.String())
	}
	secret := found[1]
	visitor{}.sees(t, 401, http.MethodGet, url+"api/1/plans/", "")
	visitor{}.sees(t, 200, http.MethodGet, url+"healthz", "")
	me := visitor{key: secret}.sees(t, 200, http.MethodGet, url+"api/1/me", "")
	if !strings.Contains(me, `"name":"first"`) || !strings.Contains(me, `"role":"admin"`) {
		t.Errorf("it is %s", me)
	}
	record := visitor{key: secret}.sees(t, 200, http.MethodGet, url+"api/1/audit/", "")
	if !strings.Contains(record, `"action":"create_key"`) || !strings.Contains(record, `"from":"start"`) {
		t.Errorf("on record is %s", record)
	}
	await(t, &c.stderr, "INSECURE: the API is served without TLS")
	c.stop(t)
	if strings.Contains(c.stderr.String()+record, secret) || strings.Contains(c.stderr.String(), secret[20:]) {
		t.Error("the key is in the log or on record")
	}

	c = begin(t, append(everywhere, "--first-key")...) // not a second one
	url = c.ready(t)
	if strings.Contains(c.stdout.String(), "cmed_") {
		t.Errorf("it says %q", c.stdout.String())
	}
	id := regexp.MustCompile(`"id":"([a-z0-9]{12})"`).FindStringSubmatch(visitor{key: secret}.sees(t, 200, http.MethodGet, url+"api/1/keys/", ""))
	visitor{key: secret}.sees(t, 200, http.MethodDelete, url+"api/1/keys/"+id[1], "")
	visitor{key: secret}.sees(t, 401, http.MethodGet, url+"api/1/me", "")
	c.stop(t)
	if want := "--first-key makes none: a key was made before"; !strings.Contains(c.stderr.String(), want) {
		t.Errorf("it does not say %q: %s", want, c.stderr.String())
	}

	for _, more := range [][]string{nil, {"--first-key"}} { // a key was made: there is no first one any more
		c = begin(t, append(everywhere, more...)...)
		if code := c.end(t); code != exitUsage || !strings.Contains(c.stderr.String(), "all its API keys have expired or been revoked: "+
			"start it without --host, make a key with \"cmed key create\" on this machine, over the daemon's socket") ||
			!strings.Contains(c.stderr.String(), "--insecure lets nobody in") || strings.Contains(c.stderr.String(), "can run every attack") {
			t.Errorf("exit code %d: %s", code, c.stderr.String())
		}
	}
	c = begin(t, append(everywhere, "--insecure")...)
	visitor{}.sees(t, 401, http.MethodGet, c.ready(t)+"api/1/me", "") // closed is closed
	await(t, &c.stderr, "--insecure lets nobody in: a key was made once")
	c.stop(t)
}

func TestInsecureIsOpenAndLoud(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args("--host", "0.0.0.0", "--insecure")...)
	url := c.ready(t)
	visitor{}.sees(t, 200, http.MethodDelete, url+"api/1/halt", "")
	await(t, &c.stderr, "INSECURE: the API asks nobody for a key")
	await(t, &c.stderr, "INSECURE: the API is served without TLS")
	visitor{socket: h.socket()}.sees(t, 201, http.MethodPost, "http://localhost/api/1/keys/", `{"name":"n","role":"viewer"}`)
	visitor{}.sees(t, 401, http.MethodDelete, url+"api/1/halt", "")
	c.stop(t)
}

func TestLoopbackIsOpenUntilTheFirstKey(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args()...)
	url := c.ready(t)
	made := visitor{}.sees(t, 201, http.MethodPost, url+"api/1/keys/", `{"name":"ana","role":"operator"}`)
	id := regexp.MustCompile(`"id":"([a-z0-9]{12})"`).FindStringSubmatch(made)[1]
	visitor{}.sees(t, 401, http.MethodGet, url+"api/1/plans/", "")
	c.stop(t)
	c = begin(t, h.args()...)
	url = c.ready(t)
	visitor{}.sees(t, 401, http.MethodGet, url+"api/1/plans/", "")
	visitor{socket: h.socket()}.sees(t, 200, http.MethodDelete, "http://localhost/api/1/keys/"+id, "")
	visitor{}.sees(t, 401, http.MethodGet, url+"api/1/plans/", "")
	c.stop(t)
	if strings.Contains(c.stderr.String(), "INSECURE") {
		t.Errorf("it warns: %s", c.stderr.String())
	}
}

func TestTheSocketIsTheAdministrators(t *testing.T) {
	h := newHome(t)
	if err := os.Mkdir(h.state(), 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := net.Listen("unix", h.socket()) // by a daemon that was killed
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close()

	c := begin(t, h.args()...)
	c.ready(t)
	info, err := os.Lstat(h.socket())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
	me := visitor{socket: h.socket()}.sees(t, 200, http.MethodGet, "http://whatever.example/api/1/me", "")
	if !strings.Contains(me, `"role":"admin"`) || !strings.Contains(me, `"open":false`) {
		t.Errorf("it is %s", me)
	}
	c.stop(t)
	if _, err := os.Lstat(h.socket()); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestNoSocket(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args("--socket", "none")...)
	c.ready(t)
	if _, err := os.Lstat(h.socket()); !os.IsNotExist(err) {
		t.Errorf("there is one: %v", err)
	}
	c.stop(t)
}

func TestASocketWithALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cmed.sock")
	for range 2 {
		ln, err := listenSocket(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := listenSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "belongs to another process") {
			t.Errorf("a second one: %v", err)
		}
		accepted := make(chan error, 1)
		go func() {
			conn, err := ln.Accept()
			if err == nil {
				err = conn.Close()
			}
			accepted <- err
		}()
		address, folder, err := socketAddress(path)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("unix", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if folder != nil {
			folder.Close()
		}
		if err := <-accepted; err != nil {
			t.Error(err)
		}
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("the socket is left: %v", err)
		}
	}
	if _, err := listenSocket(t.Context(), filepath.Join(dir, strings.Repeat("x", 120))); err == nil ||
		!strings.Contains(err.Error(), "take another with --socket") {
		t.Errorf("a name that is too long: %v", err)
	}
}

func TestASocketInUse(t *testing.T) {
	h := newHome(t)
	path := filepath.Join(t.TempDir(), "s")
	first := begin(t, h.args("--socket", path)...)
	first.ready(t)
	second := begin(t, newHome(t).args("--socket", path)...)
	if code := second.end(t); code != exitInUse || !strings.Contains(second.stderr.String(), "the socket "+path+" belongs to another process that runs") {
		t.Errorf("exit code %d: %s", code, second.stderr.String())
	}
	visitor{socket: path}.sees(t, 200, http.MethodGet, "http://localhost/healthz", "")
	first.stop(t)
}

// Only a socket that nobody listens on is what a daemon left. One that can't be
// called for another reason may be in use: this one takes datagrams.
func TestASocketThatCantBeCalledStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ln, err := listenSocket(t.Context(), path)
	if err == nil {
		ln.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "--socket") {
		t.Errorf("listening where another socket is: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the other socket: %v", err)
	}
}

// selfSigned writes a certificate for loopback and returns what trusts it.
func selfSigned(t *testing.T, cert, key string) *tls.Config {
	t.Helper()
	pair := newCertificate(t)
	for path, text := range map[string][]byte{cert: pair.cert, key: pair.key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &tls.Config{RootCAs: pair.roots}
}

func TestTLSIsServedAndRenewed(t *testing.T) {
	h := newHome(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := selfSigned(t, cert, key)
	c := begin(t, h.args("--host", "0.0.0.0", "--tls-cert", cert, "--tls-key", key, "--first-key")...)
	url := c.ready(t)
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Errorf("it serves at %s", url)
	}
	secret := firstKey.FindStringSubmatch(c.stdout.String())[1]
	visitor{key: secret, tls: first}.sees(t, 200, http.MethodGet, url+"api/1/me", "")
	visitor{tls: first}.sees(t, 401, http.MethodGet, url+"api/1/me", "")
	if status, _ := (visitor{}).do(t, http.MethodGet, strings.Replace(url, "https", "http", 1), ""); status != http.StatusBadRequest {
		t.Errorf("without TLS: %d", status)
	}

	if err := os.WriteFile(key, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.signals <- syscall.SIGHUP
	await(t, &c.stderr, "the old one serves on")
	visitor{key: secret, tls: first}.sees(t, 200, http.MethodGet, url+"api/1/me", "")

	second := selfSigned(t, cert, key)
	c.signals <- syscall.SIGHUP
	await(t, &c.stderr, "serving with the TLS certificate of the files")
	visitor{key: secret, tls: second}.sees(t, 200, http.MethodGet, url+"api/1/me", "")
	visitor{socket: h.socket()}.sees(t, 200, http.MethodGet, "http://localhost/api/1/me", "")
	c.stop(t)
	for _, no := range []string{"INSECURE", secret, "PRIVATE"} {
		if strings.Contains(c.stderr.String(), no) {
			t.Errorf("the log holds %q: %s", no, c.stderr.String())
		}
	}
}

// What does not come over the API is on record too, and by whom.
func TestWhatTheDaemonItselfRecords(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args()...)
	c.ready(t)
	record := func() string {
		return visitor{socket: h.socket()}.sees(t, 200, http.MethodGet, "http://localhost/api/1/audit/", "")
	}
	awaitRecord := func(want string) {
		t.Helper()
		deadline := time.Now().Add(patience)
		for !strings.Contains(record(), want) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is not on record: %s", want, record())
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	c.signals <- syscall.SIGUSR1
	awaitRecord(`"from":"signal","action":"engage_lever"`)
	visitor{socket: h.socket()}.sees(t, 200, http.MethodDelete, "http://localhost/api/1/halt", "")
	awaitRecord(`"from":"socket","action":"release_lever"`)
	if err := os.WriteFile(filepath.Join(h.state(), "halt"), []byte("it burns"), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitRecord(`"from":"halt file","action":"engage_lever"`)
	awaitRecord(`"detail":"it burns"`)
	broken := filepath.Join(h.attacks, "broken")
	if err := os.WriteFile(broken, []byte("#!/bin/false\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.signals <- syscall.SIGHUP
	awaitRecord(`"from":"plugin folder","action":"plugin_broken","target":"attack/broken"`)
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	c.signals <- syscall.SIGHUP
	awaitRecord(`"action":"plugin_gone"`)
	if n := strings.Count(record(), `"action":"engage_lever"`); n != 2 {
		t.Errorf("the lever was engaged %d times by the record: %s", n, record())
	}
	c.stop(t)
}

// fullAudit takes nothing until it is told to.
type fullAudit struct{ release chan struct{} }

func (f fullAudit) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	select {
	case <-f.release:
	case <-ctx.Done():
	}
	return e, nil
}

func (fullAudit) Audit(context.Context, audit.Query) ([]audit.Entry, error) { return nil, nil }

func TestAnAuditorNeverKeepsAnybodyWaiting(t *testing.T) {
	var log buffer
	release := make(chan struct{})
	a := newAuditor(fullAudit{release}, hclog.New(&hclog.LoggerOptions{Output: &log}))
	for i := range auditorQueue + 10 {
		a.record(audit.Entry{Action: fmt.Sprint("act", i)})
	}
	close(release)
	a.close(t.Context())
	a.record(audit.Entry{Action: "late"})
	for _, want := range []string{"the audit lacks an entry", "action=late"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
}

// hangingAudit stores nothing, as a disk that hangs.
type hangingAudit struct{ fullAudit }

func (hangingAudit) AppendAudit(ctx context.Context, _ audit.Entry) (audit.Entry, error) {
	<-ctx.Done()
	return audit.Entry{}, context.Cause(ctx)
}

// A disk that hangs does not keep the daemon from ending.
func TestAnAuditorClosesInTime(t *testing.T) {
	var log buffer
	a := newAuditor(hangingAudit{}, hclog.New(&hclog.LoggerOptions{Output: &log}))
	const waiting = 100
	for range waiting {
		a.record(audit.Entry{Action: "act"})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the time is over"))
	a.close(ctx)
	if n := strings.Count(log.String(), `error="the time is over"`); n != waiting {
		t.Errorf("%d of %d are in the log: %s", n, waiting, log.String())
	}
}

// An expired key opens no door to other machines.
func TestAnExpiredKeyIsNone(t *testing.T) {
	h := newHome(t)
	s, err := store.Open(h.database)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(10 * time.Millisecond)
	if _, _, err := keys.Make(t.Context(), access.NewKey{Name: "n", Role: access.Admin, Expires: until}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Until(until) + time.Millisecond)
	c := begin(t, h.args("--host", "0.0.0.0", "--insecure-transport")...)
	if code := c.end(t); code != exitUsage || !strings.Contains(c.stderr.String(), "all its API keys have expired or been revoked") {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}
