package main

import (
	"fmt"
	"io"
	"log"
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
)

// home is what a daemon of a test keeps and reads.
type home struct{ database, attacks, planners string }

func newHome(t *testing.T) home {
	t.Helper()
	dir := t.TempDir()
	h := home{filepath.Join(dir, "cme.db"), filepath.Join(dir, "attacks"), filepath.Join(dir, "planners")}
	for _, folder := range []string{h.attacks, h.planners} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// args is a command line with which a daemon lives in this home.
func (h home) args(more ...string) []string {
	return append([]string{"-p", "0", "-d", h.database, "-a", h.attacks, "-p", h.planners}, more...)
}

var greeting = regexp.MustCompile(`^cmed \S+ is ready: (http://127\.0\.0\.1:\d+/)(?: on all addresses)? ` +
	`\(0 attacks, 0 planners, 0 broken; zone Europe/Madrid\)\n$`)

// served finds where the daemon serves in any greeting.
var served = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)

// url waits for the greeting and returns where the daemon serves.
func (c *call) url(t *testing.T) string {
	t.Helper()
	await(t, &c.stdout, "\n")
	found := greeting.FindStringSubmatch(c.stdout.String())
	if found == nil {
		t.Fatalf("it greets with %q", c.stdout.String())
	}
	return found[1]
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestServesUntilSignalled(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			h := newHome(t)
			c := begin(t, h.args()...)
			url := c.url(t)
			if status, body := get(t, url+"readyz"); status != http.StatusOK {
				t.Errorf("readyz: %d %s", status, body)
			}
			c.signals <- sig
			if code := c.end(t); code != 0 {
				t.Errorf("exit code %d: %s", code, c.stderr.String())
			}
			for _, path := range []string{h.database, strings.TrimSuffix(h.database, ".db") + ".state"} {
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s has mode %v", path, info.Mode())
				}
			}
		})
	}
}

func TestSignalWhileStarting(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args()...)
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	again := begin(t, h.args()...) // nothing is held
	again.url(t)
	again.signals <- syscall.SIGTERM
	if code := again.end(t); code != 0 {
		t.Errorf("exit code of the next %d: %s", code, again.stderr.String())
	}
}

func TestHangupRescans(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args()...)
	url := c.url(t)
	if err := os.WriteFile(filepath.Join(h.attacks, "README"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.signals <- syscall.SIGHUP
	await(t, &c.stderr, "rescanned the plugin folders")
	if _, body := get(t, url+"api/1/plugins/"); !strings.Contains(body, `"README"`) {
		t.Errorf("the new file is not listed: %s", body)
	}
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

// holdUp makes a request that doesn't come to its end, and so holds a shutdown
// up, until the connection is closed.
func (c *call) holdUp(t *testing.T) net.Conn {
	t.Helper()
	address := strings.Trim(strings.TrimPrefix(c.url(t), "http:"), "/")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /api/1/plans/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	// The server asks for the body when a handler reads it.
	if _, err := io.ReadAtLeast(conn, make([]byte, 16), 16); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestStopDeliveredTwiceIsOne(t *testing.T) {
	c := begin(t, newHome(t).args()...)
	c.url(t)
	conn := c.holdUp(t)
	c.signals <- syscall.SIGTERM
	<-time.After(time.Millisecond)
	c.signals <- syscall.SIGTERM
	await(t, &c.stderr, "stopping; a second Ctrl-C or SIGTERM ends at once")
	await(t, &c.stderr, "waits_for_runs=0")
	conn.Close()
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	c := begin(t, newHome(t).args()...)
	c.url(t)
	c.holdUp(t)
	c.signals <- syscall.SIGTERM
	await(t, &c.stderr, "stopping")
	<-time.After(onePress) // no sooner does another count
	c.signals <- syscall.SIGTERM
	began := time.Now()
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if want := "told a second time to stop"; !strings.Contains(c.stderr.String(), want) {
		t.Errorf("it did not say %q: %s", want, c.stderr.String())
	}
}

func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	h := newHome(t)
	c := begin(t, h.args("-p", fmt.Sprint(port))...)
	if code := c.end(t); code != exitInUse {
		t.Errorf("exit code %d, want %d", code, exitInUse)
	}
	want := fmt.Sprintf("cmed: port %d is in use, perhaps by another cmed: "+
		"stop that one, or take another port with --port or CMED_PORT\n", port)
	if got := c.stderr.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if _, err := os.Stat(h.database); !os.IsNotExist(err) {
		t.Errorf("the database was touched: %v", err)
	}
}

func TestDatabaseInUse(t *testing.T) {
	h := newHome(t)
	first := begin(t, h.args()...)
	first.url(t)
	second := begin(t, h.args()...)
	if code := second.end(t); code != exitInUse {
		t.Errorf("exit code %d, want %d", code, exitInUse)
	}
	want := "cmed: open the store " + h.database + ": another cmed holds it; stop that one, or use another file with --database-uri\n"
	if got := second.stderr.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	first.signals <- syscall.SIGTERM
	if code := first.end(t); code != 0 {
		t.Errorf("exit code of the first %d: %s", code, first.stderr.String())
	}
}

func TestStateFolderInUse(t *testing.T) {
	h := newHome(t)
	state := filepath.Join(t.TempDir(), "state")
	first := begin(t, h.args("--state-folder", state)...)
	first.url(t)
	other := newHome(t)
	second := begin(t, other.args("--state-folder", state)...)
	if code := second.end(t); code != exitInUse {
		t.Errorf("exit code %d, want %d", code, exitInUse)
	}
	want := "cmed: the state folder " + state + " belongs to another cmed that runs: " +
		"stop that one, or take another folder with --state-folder\n"
	if got := second.stderr.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	first.signals <- syscall.SIGTERM
	if code := first.end(t); code != 0 {
		t.Errorf("exit code of the first %d: %s", code, first.stderr.String())
	}
	third := begin(t, other.args("--state-folder", state)...) // it is let go
	third.url(t)
	third.signals <- syscall.SIGTERM
	if code := third.end(t); code != 0 {
		t.Errorf("exit code of the third %d: %s", code, third.stderr.String())
	}
}

func TestPluginFolderThatIsAFile(t *testing.T) {
	h := newHome(t)
	h.attacks = filepath.Join(h.attacks, "file")
	if err := os.WriteFile(h.attacks, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := begin(t, h.args()...)
	if code := c.end(t); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	if want := "cmed: --attacks-folder: " + h.attacks + " is not a folder\n"; !strings.HasPrefix(c.stderr.String(), want) {
		t.Errorf("it says %q, want %q", c.stderr.String(), want)
	}
}

func TestPluginFolderMissing(t *testing.T) {
	h := newHome(t)
	h.attacks = filepath.Join(h.attacks, "none")
	c := begin(t, h.args()...)
	await(t, &c.stdout, "; zone Europe/Madrid; attacks folder missing)\n")
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

// A scripts folder need not be there, and the default one need not be a folder
// either: few need one.
func TestScriptsFolderThatIsAFile(t *testing.T) {
	h := newHome(t)
	file := filepath.Join(filepath.Dir(h.attacks), "scripts") // the default
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := begin(t, h.args()...)
	await(t, &c.stdout, "; zone Europe/Madrid)\n")
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	c = begin(t, h.args("--scripts-folder", file)...)
	if code := c.end(t); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	if want := "cmed: --scripts-folder: " + file + " is not a folder\n"; !strings.HasPrefix(c.stderr.String(), want) {
		t.Errorf("it says %q, want %q", c.stderr.String(), want)
	}
}

func TestScriptsFolderMissing(t *testing.T) {
	h := newHome(t)
	c := begin(t, h.args("--scripts-folder", filepath.Join(h.attacks, "none"))...)
	await(t, &c.stdout, "; zone Europe/Madrid; scripts folder missing)\n")
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestDatabaseFolderMissing(t *testing.T) {
	h := newHome(t)
	h.database = filepath.Join(t.TempDir(), "missing", "cme.db")
	c := begin(t, h.args()...)
	if code := c.end(t); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	if want := "does not exist; create it first"; !strings.Contains(c.stderr.String(), want) {
		t.Errorf("it did not say %q: %s", want, c.stderr.String())
	}
}

func TestForeignAddressIsRefused(t *testing.T) {
	c := begin(t, newHome(t).args("--host", "192.0.2.1", "--insecure")...)
	if code := c.end(t); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	if want := "--host 192.0.2.1 is not an address of this machine"; !strings.Contains(c.stderr.String(), want) {
		t.Errorf("it did not say %q: %s", want, c.stderr.String())
	}
}

func TestInsecureListensEverywhere(t *testing.T) {
	c := begin(t, newHome(t).args("--host", "0.0.0.0", "--insecure")...)
	if status, body := get(t, c.url(t)+"healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d %s", status, body)
	}
	if !strings.Contains(c.stdout.String(), "/ on all addresses (") {
		t.Errorf("it does not say so: %s", c.stdout.String())
	}
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestLogAsJSON(t *testing.T) {
	c := begin(t, newHome(t).args("--log-format", "json")...)
	c.url(t)
	c.signals <- syscall.SIGTERM
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	for line := range strings.Lines(c.stderr.String()) {
		if !strings.HasPrefix(line, `{"@level":`) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if !strings.Contains(c.stderr.String(), `"@message":"stopped"`) {
		t.Errorf("no word of the end: %s", c.stderr.String())
	}
}

func TestZonesDiffer(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	lagos, err := time.LoadLocation("Africa/Lagos") // as Madrid in winter
	if err != nil {
		t.Fatal(err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	winter := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		other *time.Location
		want  bool
	}{{madrid, false}, {paris, false}, {lagos, true}, {time.UTC, true}} {
		if got := zonesDiffer(madrid, test.other, winter); got != test.want {
			t.Errorf("Madrid and %s differ: %v, want %v", test.other, got, test.want)
		}
	}
	got := assumedZone(madrid, time.UTC, winter)
	if want := "it is 00:00 UTC here and 01:00 CET there; choose one with --timezone"; !strings.HasSuffix(got, want) {
		t.Errorf("it says %q, want it to end in %q", got, want)
	}
}

func TestLoggerTakesThirdParties(t *testing.T) {
	var out buffer
	c := &config{logLevel: hclog.Debug}
	newLogger(c, &out)
	log.Print("theirs")
	if got := out.String(); !strings.Contains(got, "[DEBUG] cmed: theirs") {
		t.Errorf("it says %q", got)
	}
}
