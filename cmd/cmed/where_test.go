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

// outcome is what came of a call.
type outcome struct {
	stdout, stderr string
	code           int
}

// callWith calls cmed with an environment and an input.
func callWith(t *testing.T, env []string, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr buffer
	code := run(t.Context(), program{args: args, env: env, stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr})
	return outcome{stdout.String(), stderr.String(), code}
}

// writeMode writes a file.
func writeMode(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhichDaemonAndKeyAreUsed(t *testing.T) {
	config := t.TempDir()
	keyFile := writeMode(t, filepath.Join(config, "key"), "cmed_file\n", 0o600)
	writeMode(t, filepath.Join(config, "cmed", "contexts.yaml"), "current: prod\ncontexts:\n"+
		"  prod: {server: 'https://prod', key: cmed_prod, ca_file: /ca}\n"+
		"  lab: {server: 'http://lab', key_file: "+keyFile+", insecure_transport: true}\n", 0o600)
	env := []string{"XDG_CONFIG_HOME=" + config}
	for _, test := range []struct {
		name  string
		flags where
		env   []string
		want  called
	}{
		{"the current context", where{}, nil, called{current: true, server: "https://prod", from: "context prod", context: "prod", key: "cmed_prod", keyFrom: "context prod", caFile: "/ca"}},
		{"another context", where{context: "lab"}, nil, called{server: "http://lab", from: "context lab", context: "lab", key: "cmed_file", keyFrom: "context lab", insecureTransport: true}},
		{"a context before the environment", where{context: "prod"}, []string{"CMED_SERVER=http://env", "CMED_PORT=1"}, called{server: "https://prod", from: "context prod", context: "prod", key: "cmed_prod", keyFrom: "context prod", caFile: "/ca"}},
		{"the environment before the current context", where{}, []string{"CMED_SERVER=http://env"}, called{server: "http://env", from: "CMED_SERVER"}},
		{"the port before the current context", where{}, []string{"CMED_PORT=5001"}, called{server: "http://127.0.0.1:5001", from: "CMED_PORT"}},
		{"a flag, without the context's key", where{server: "http://flag"}, []string{"CMED_SERVER=http://env"}, called{server: "http://flag", from: "--server"}},
		{"the key of the environment", where{}, []string{"CMED_KEY= cmed_env\n"}, called{current: true, server: "https://prod", from: "context prod", context: "prod", key: "cmed_env", keyFrom: "CMED_KEY", caFile: "/ca"}},
		{"the key of a context that was named before it", where{context: "lab"}, []string{"CMED_KEY=cmed_env"}, called{server: "http://lab", from: "context lab", context: "lab", key: "cmed_file", keyFrom: "context lab", insecureTransport: true}},
		{"the key of a file before it", where{server: "x", keyFile: keyFile, caFile: "/other"}, []string{"CMED_KEY=cmed_env"}, called{server: "x", from: "--server", key: "cmed_file", keyFrom: "--key-file", caFile: "/other"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.flags.daemon(program{env: append(test.env, env...)})
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestDaemonsAndKeysThatCannotBeUsed(t *testing.T) {
	config := t.TempDir()
	contexts := filepath.Join(config, "cmed", "contexts.yaml")
	ca := writeMode(t, filepath.Join(config, "ca"), "no certificate", 0o600)
	for _, test := range []struct {
		name     string
		args     string
		env      string
		contexts string
		mode     os.FileMode
		want     string
	}{
		{"two daemons", "status --server a --context b", "", "", 0, "--server and --context name a daemon each: give one of them"},
		{"a context that is not there", "status --context prdo", "", "contexts: {prod: {server: x}}", 0o600, `there is no context "prdo"; did you mean "prod"?`},
		{"a current context that is not there", "status", "", "current: gone", 0o600, `there is no context "gone"`},
		{"contexts that are none", "status", "", "contexts: [cmed_secret]", 0o600, "read the contexts: " + contexts + ": "},
		{"contexts with a misspelt word", "status", "", "contexts: {a: {sever: cmed_secret}}", 0o600, "read the contexts: " + contexts + ": "},
		{"keys that others can read", "status", "", "contexts: {a: {server: x, key: cmed_secret}}", 0o640, "read the contexts: there are keys in " + contexts + ", and others can read it: chmod 600 it"},
		{"a key file that is not there", "status --server x --key-file /nonexistent", "", "", 0, "--key-file: read the key: stat /nonexistent: no such file or directory"},
		{"a folder of keys", "status --server x --key-file " + config, "", "", 0, "--key-file: " + config + " is a folder, not a file with a key"},
		{"a word that is no key", "status --server x", "CMED_KEY=secret", "", 0, "CMED_KEY: that is no key: it is one word that begins with cmed_"},
		{"a key that is none", "status --server x", "CMED_KEY=cmed_secret and more", "", 0, "CMED_KEY: that is no key: it is one word that begins with cmed_"},
		{"a key of a context that is none", "status --context a", "", "contexts: {a: {server: x, key: 'cmed_secret 1'}}", 0o600, "context a: that is no key: it is one word that begins with cmed_"},
		{"a key in the clear", "status --server http://ops.example", "CMED_KEY=cmed_secret", "", 0, "the key would go over the network unencrypted: call the daemon by https, or say --insecure-transport"},
		{"authorities that are none", "status --server x --ca-file " + ca, "", "", 0, "--ca-file: there is no certificate in " + ca + "; it must be PEM"},
		{"authorities that are not there", "status --server x --ca-file /nonexistent", "", "", 0, "--ca-file: open /nonexistent: no such file or directory"},
		{"a socket that is none", "status --server unix:cmed.sock", "", "", 0, `--server: "unix:cmed.sock" is no absolute path of a socket, such as unix:/path/cmed.sock`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_ = os.Remove(contexts)
			if test.contexts != "" {
				writeMode(t, contexts, test.contexts, test.mode)
				if err := os.Chmod(contexts, test.mode); err != nil {
					t.Fatal(err)
				}
			}
			got := callWith(t, []string{"XDG_CONFIG_HOME=" + config, test.env}, "", strings.Fields(test.args)...)
			if got.code != exitUsage || !strings.HasPrefix(got.stderr, "cmed: "+test.want) {
				t.Errorf("exit code %d: %s", got.code, got.stderr)
			}
			if strings.Contains(got.stderr+got.stdout, "cmed_secret") {
				t.Errorf("the key is shown: %s%s", got.stdout, got.stderr)
			}
		})
	}
}

func TestTheDaemonOfThisFolderIsFoundByItsSocket(t *testing.T) {
	state := t.TempDir()
	env := []string{"CMED_STATE_FOLDER=" + state}
	socket := filepath.Join(state, "cmed.sock")
	find := func() string {
		d, err := (&where{}).daemon(program{env: env})
		if err != nil {
			t.Fatal(err)
		}
		return d.server
	}
	if got := find(); got != defaultServer {
		t.Errorf("without a socket it is %s", got)
	}
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"attacks":[]}`) // a lever that is released, too
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(ln) }()
	if got, want := find(), "unix:"+socket; got != want {
		t.Errorf("with one it is %s, want %s", got, want)
	}
	if got := callWith(t, env, "", "attacks"); got.code != 0 || got.stdout != "no attacks: see cmed plugins\n" {
		t.Errorf("%+v", got)
	}
	key := writeMode(t, filepath.Join(state, "key"), "cmed_file", 0o600)
	if d, err := (&where{keyFile: key}).daemon(program{env: env}); err != nil || d.server != defaultServer || d.key != "cmed_file" {
		t.Errorf("with a key it is %+v, %v", d, err)
	}
	if d, err := (&where{keyFile: key, overSocket: true}).daemon(program{env: env}); err != nil || d.server != "unix:"+socket || d.key != "" {
		t.Errorf("where a key doesn't matter it is %+v, %v", d, err)
	}
	port := append(env, "CMED_PORT=5001")
	for _, test := range []struct {
		name  string
		flags where
		env   []string
		want  string
	}{
		{"before the port", where{}, port, "unix:" + socket},
		{"not before the port for who has a key", where{}, append(port, "CMED_KEY=cmed_env"), "http://127.0.0.1:5001"},
		{"nor with one in a file", where{keyFile: key}, port, "http://127.0.0.1:5001"},
		{"where a key doesn't matter", where{keyFile: key, overSocket: true}, port, "unix:" + socket},
		{"not before a server that is named", where{}, append(port, "CMED_SERVER=http://env"), "http://env"},
	} {
		if d, err := test.flags.daemon(program{env: test.env}); err != nil || d.server != test.want {
			t.Errorf("%s: %+v, %v; want %s", test.name, d, err, test.want)
		}
	}
	got := callWith(t, append(env, "CMED_KEY=cmed_env"), "", "attacks")
	if want := "warning: CMED_KEY: over the socket the key is not used: you are this machine's administrator; name a --server to use the key\n"; got.code != 0 || got.stderr != want {
		t.Errorf("with a key in the environment: %+v", got)
	}
	got = callWith(t, port, "", "resume")
	if want := "this calls the daemon of this folder, over its socket; the one at the port of CMED_PORT: --server 127.0.0.1:5001\n"; got.code != 0 || got.stderr != want {
		t.Errorf("a change with a port in the environment: %+v", got)
	}
	config := t.TempDir()
	other := newStandIn(t, map[string][]string{
		"DELETE /api/1/halt": {`{"engaged":false}`}, "GET /api/1/attacks/": {`{"attacks":[]}`},
	})
	writeMode(t, filepath.Join(config, "cmed", "contexts.yaml"), "current: prod\ncontexts: {prod: {server: '"+other.URL+"'}}", 0o600)
	away := append(env, "XDG_CONFIG_HOME="+config)
	got = callWith(t, away, "", "resume")
	if want := "this calls " + other.URL + " (context prod); the daemon of this folder, if that is another: --server unix:" + socket + "\n"; got.code != 0 ||
		got.stderr != want || !strings.HasPrefix(got.stdout, "the lever of "+other.URL+" (context prod) is released: ") {
		t.Errorf("away from this folder: %+v", got)
	}
	if got := callWith(t, away, "", "attacks"); got.code != 0 || got.stderr != "" {
		t.Errorf("reading away from this folder: %+v", got)
	}
	if os.Geteuid() == 0 { // somebody else's is not trusted
		if err := os.Lchown(socket, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if got := find(); got != defaultServer {
			t.Errorf("the socket of somebody else is used: %s", got)
		}
	}
	s.Close()
	<-served
	if got := find(); got != defaultServer {
		t.Errorf("with one that nobody listens at it is %s", got)
	}
	env = append(env, "CMED_SOCKET=none")
	if got := find(); got != defaultServer {
		t.Errorf("without one it is %s", got)
	}
}

func TestHaltWithContextsThatCannotBeRead(t *testing.T) {
	config := t.TempDir()
	writeMode(t, filepath.Join(config, "cmed", "contexts.yaml"), "contexts: [none]", 0o600)
	got := callWith(t, []string{"XDG_CONFIG_HOME=" + config}, "", "halt")
	for _, want := range []string{"cmed: read the contexts: ", "cmed halt --server unix:STATE/cmed.sock (--server goes without contexts)\n", "kill -USR1 PID", "cmed reap"} {
		if got.code != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("there is no %q in %+v", want, got)
		}
	}
}

func TestAServerThatSpeaksNoTLS(t *testing.T) {
	s := newStandIn(t, nil)
	got := callWith(t, []string{"CMED_SERVER=" + strings.Replace(s.URL, "http:", "https:", 1)}, "", "attacks")
	if got.code != exitFailure || !strings.Contains(got.stderr, "\n"+wantsPlain+"\n") {
		t.Errorf("%+v", got)
	}
}

func TestRemediesSayWhatNamedKeyAndServer(t *testing.T) {
	s := newStandIn(t, map[string][]string{"GET /api/1/attacks/": {`401 {"detail":"no"}`}})
	got := callWith(t, []string{"CMED_SERVER=" + s.URL, "CMED_KEY=cmed_k"}, "", "attacks")
	if want := wantsKey + "\n(the key was that of CMED_KEY, the server is that of CMED_SERVER)\n"; !strings.HasSuffix(got.stderr, want) {
		t.Errorf("it says\n%swant\n%s", got.stderr, want)
	}
	s.Close()
	got = callWith(t, []string{"CMED_SERVER=" + s.URL}, "", "attacks")
	if want := "\nThat address is the one of CMED_SERVER. " + wantsServer + "\n"; !strings.HasSuffix(got.stderr, want) {
		t.Errorf("it says\n%swant\n%s", got.stderr, want)
	}
}

func TestRemedies(t *testing.T) {
	for _, test := range []struct{ name, answer, want string }{
		{"a key is wanted", `401 {"detail":"who are you?"}`, "cmed: who are you?\n" + wantsKey + "\n"},
		{"another role is wanted", `403 {"detail":"this needs the role operator"}`, "cmed: this needs the role operator\n" + wantsMore + "\n"},
		{"a limit is a limit", `403 {"detail":"the attack is denied"}`, "cmed: the attack is denied\n"},
		{"words that drive a terminal", "409 {\"detail\":\"a\\u001b[31mb\"}", "cmed: a\uFFFD[31mb\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStandIn(t, map[string][]string{"POST /api/1/executors/e/halt": {test.answer}})
			c, code := s.call(t, "executor", "halt", "e")
			if got := c.stderr.String(); code != exitFailure || got != test.want {
				t.Errorf("exit code %d: %s", code, got)
			}
		})
	}
}
