package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outcomeOf is what a page could read of the answer to one of its attempts.
type outcomeOf struct {
	Status int
	Text   string
}

// reported is what a page says when it has tried everything.
type reported struct {
	Page    string
	Results map[string]outcomeOf
}

// pageServer serves the page that attacks, and hears what came of it.
type pageServer struct {
	*httptest.Server
	reports chan reported
}

func newPageServer(t testing.TB) *pageServer {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("testdata", "foreign-page.html"))
	if err != nil {
		t.Fatal(err)
	}
	s := &pageServer{reports: make(chan reported, 8)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/report":
			text, err := io.ReadAll(r.Body)
			var told reported
			if err == nil {
				err = json.Unmarshal(text, &told)
			}
			if err != nil {
				t.Errorf("the page reports %q: %v", text, err)
			}
			s.reports <- told
		case r.URL.Path == "/page":
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write(page) // a browser that is gone reads nothing
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// port is the port of an address, with its colon.
func port(base string) string { return base[strings.LastIndexByte(base, ':'):] }

// browse has a browser open a page, until the function returned is called. Every
// name under .example is this machine's.
func browse(t testing.TB, url string) (done func()) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium here, which Debian has in its package chromium: apt-get install chromium")
	}
	folder, err := os.MkdirTemp("", "cmed-e2e-browser-")
	if err != nil {
		t.Fatal(err)
	}
	browser := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
		"--remote-debugging-port=0", // it would end when the page is loaded
		"--user-data-dir="+folder, "--host-resolver-rules=MAP *.example 127.0.0.1", url)
	var said transcript
	browser.Stdout, browser.Stderr = &said, &said
	browser.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + folder}
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has many processes
	browser.WaitDelay = time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL) // it may have ended by itself
		_ = browser.Wait()                                      // by the signal
		waitFor(t, patience, "the browser's folder to be gone", func() bool { return os.RemoveAll(folder) == nil })
		if t.Failed() {
			t.Logf("the browser said:\n%s", said.String())
		}
	}
}
