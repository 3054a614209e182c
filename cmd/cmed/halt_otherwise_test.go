package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serveSocket answers at a unix socket as a daemon would, until it is told to stop.
func serveSocket(t *testing.T, path string, handle http.HandlerFunc) (stop func()) {
	t.Helper()
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	s := &http.Server{Handler: handle}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(ln) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			s.Close()
			<-served
		}
	}
	t.Cleanup(stop)
	return stop
}

// Who types a hint must not halt another daemon than the one that was called: what
// names a place of this folder is said of its daemon only.
func TestHintsNameThisFolderOnlyWhenItsDaemonIsCalled(t *testing.T) {
	state := t.TempDir()
	here := filepath.Join(state, "cmed.sock")
	serveSocket(t, here, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"detail":"who are you?"}`)
	})
	closed := newStandIn(t, map[string][]string{
		"PUT /api/1/halt": {`401 {"detail":"who are you?"}`}, "GET /api/1/status": {`401 {"detail":"who are you?"}`},
	})
	gone := newStandIn(t, nil)
	gone.Close()
	config := t.TempDir()
	writeMode(t, filepath.Join(config, "cmed", "contexts.yaml"), "current: prod\ncontexts: {prod: {server: '"+closed.URL+"'}}", 0o600)
	const port = "CMED_PORT=1" // in place of the default, where somebody may be
	for _, test := range []struct {
		name, args, env string
		here            bool
	}{
		{"halt of another", "halt --server " + closed.URL, "", false},
		{"status of another", "status --server " + closed.URL, "", false},
		{"another of the environment", "status", "CMED_SERVER=" + closed.URL, false},
		{"another of the current context", "status", "XDG_CONFIG_HOME=" + config, false},
		{"one that can't be reached", "halt --wait 1ms --server " + gone.URL, "", false},
		{"another socket", "halt --wait 1ms --server unix:" + state + "/other.sock", "", false},
		{"another, with a key that is none", "halt --server " + closed.URL, "CMED_KEY=secret", false},
		{"that of this folder", "halt", port, true},
		{"its status", "status", port, true},
		{"its socket by name", "halt --server unix:" + here, "", true},
	} {
		got := callWith(t, []string{"CMED_STATE_FOLDER=" + state, test.env}, "", strings.Fields(test.args)...)
		said := strings.ReplaceAll(got.stderr, state+"/other.sock", "")
		if got.code == 0 || strings.Contains(said, state) != test.here {
			t.Errorf("%s: exit code %d and\n%s", test.name, got.code, got.stderr)
		}
		if local := !strings.Contains(said, "On its machine, "); strings.HasPrefix(test.args, "halt") && local != test.here {
			t.Errorf("%s: it does not say where:\n%s", test.name, got.stderr)
		}
	}
}

func TestHaltOfADaemonThatCannotBeReached(t *testing.T) {
	s := newStandIn(t, nil)
	s.Close()
	got := callWith(t, []string{"CMED_SERVER=" + s.URL}, "", "halt", "--wait", "1ms")
	first, advice, _ := strings.Cut(got.stderr, "\n")
	if want := "cmed: the daemon at " + s.URL + " can't be reached: "; got.code != exitFailure || !strings.HasPrefix(first, want) {
		t.Errorf("exit code %d and %s, want %s", got.code, first, want)
	}
	want := "That address is the one of CMED_SERVER. Is it another one?  cmed halt --server http://HOST:PORT (or CMED_SERVER)\n" +
		"Does it run, but not answer?  On its machine, kill -USR1 PID (its log names it at start), " +
		"or touch the halt file that its log named at start\n" +
		"Has it died?  On its machine, cmed reap, with its options, ends and undoes what it left\n"
	if advice != want {
		t.Errorf("got\n%swant\n%s", advice, want)
	}
}

// The daemon of this folder that died is waited for, as one that its supervisor starts
// again: the words say so, and no other is halted in its place.
func TestHaltOfADaemonThatIsAboutToStart(t *testing.T) {
	state := t.TempDir()
	socket := filepath.Join(state, "cmed.sock")
	answer := func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPut:
			fmt.Fprint(w, atRest)
		default:
			fmt.Fprint(w, noUndos)
		}
	}
	serveSocket(t, socket, answer)() // one that died
	var stdout, stderr buffer
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), program{
			args: []string{"halt"}, env: []string{"CMED_STATE_FOLDER=" + state},
			stdout: &stdout, stderr: &stderr,
		})
	}()
	await(t, &stderr, "connection refused); still trying\nDoes it run, but not answer?  kill")
	if want := "no answer from unix:" + socket + " yet ("; !strings.Contains(stderr.String(), want) {
		t.Errorf("it does not say %q: %s", want, stderr.String())
	}
	next := filepath.Join(state, "next.sock")
	serveSocket(t, next, answer)
	if err := os.Rename(next, socket); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 || !strings.Contains(stdout.String(), "nothing starts") {
		t.Errorf("exit code %d: %s%s", got, stdout.String(), stderr.String())
	}
}

// A socket that nobody listens at tells that a daemon of this folder died.
func TestADaemonThatDiedInThisFolder(t *testing.T) {
	state := t.TempDir()
	socket := filepath.Join(state, "cmed.sock")
	serveSocket(t, socket, http.NotFound)()
	gone := newStandIn(t, nil)
	gone.Close()
	port := gone.URL[strings.LastIndex(gone.URL, ":")+1:]
	d, err := (&where{}).daemon(program{env: []string{"CMED_STATE_FOLDER=" + state}})
	if err != nil || d.server != defaultServer {
		t.Fatalf("%+v, %v", d, err)
	}
	d.server = "http://127.0.0.1:" + port // where certainly nobody is
	c, err := d.client()
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Status(t.Context())
	if got := remedyOf(err, d, program{env: []string{"CMED_STATE_FOLDER=" + state}}); got != diedHere {
		t.Errorf("it says %s", got)
	}
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	serveSocket(t, socket, http.NotFound) // it lives; with a key the default address is called
	if got := remedyOf(err, d, program{env: []string{"CMED_STATE_FOLDER=" + state}}); got == diedHere {
		t.Errorf("it says of one that lives: %s", got)
	}
	if got, want := remedyOf(err, d, program{env: []string{"CMED_STATE_FOLDER=" + state + "/x"}}), "Nobody named that address. "+wantsServer; got != want {
		t.Errorf("it says %s, want %s", got, want)
	}
}

// Who named the server need not be told to.
func TestAServerThatWasNamedIsNotAskedFor(t *testing.T) {
	s := newStandIn(t, nil)
	s.Close()
	got := callWith(t, nil, "", "status", "--server", s.URL)
	if got.code != exitFailure || strings.Contains(got.stderr, "--server") {
		t.Errorf("%+v", got)
	}
}

func TestAnAnswerThatIsLongInComingIsTold(t *testing.T) {
	asked := make(chan struct{})
	state := t.TempDir()
	serveSocket(t, filepath.Join(state, "cmed.sock"), func(w http.ResponseWriter, _ *http.Request) {
		<-asked
		fmt.Fprint(w, `{"attacks":[]}`)
	})
	c := begin(t, "attacks", "--server", "unix:"+state+"/cmed.sock")
	await(t, &c.stderr, "no answer from unix:"+state+"/cmed.sock yet; still waiting\n")
	close(asked)
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}
