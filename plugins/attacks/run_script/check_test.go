package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

const notAHostKey = "the machine's host key isn't accepted: the pinned key is neither a line like \"ssh-ed25519 AAAA…\" nor a fingerprint like \"SHA256:…\""

// What contradicts itself is refused, when a plan is made and when it runs.
func TestCheckRefuses(t *testing.T) {
	w := newWorld(t, sshtest.Access{User: "me", ClientKey: []byte("k"), HostKeys: sshtest.Start(t, sshtest.Options{}).HostKeys, Addr: "web:22"})
	w.script("main.sh", "true")
	if err := os.Symlink("/etc/passwd", filepath.Join(w.scripts, "out")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ more, want string }{
		{`{"hosts": null}`, "neither filters nor hosts say whom to hit; empty filters, {}, mean every running node"},
		{`{"filters": {}}`, "hosts and filters are both given; leave one of them out"},
		{`{"excluded": {"tag:a": "b"}}`, "excluded goes with filters; leave out of hosts what must not be hit"},
		{`{"provider": "ec2"}`, "hosts have no provider; leave it out"},
		{`{"region": "eu-west-1"}`, "hosts have no region; leave it out"},
		{`{"address": "public"}`, "hosts have no other address; leave it out"},
		{`{"count": 1, "percent": 1}`, "count and percent are both given; leave one of them out"},
		{`{"hosts": null, "filters": {}, "provider": "azure"}`, `unknown provider "azure"; known are ec2`},
		{`{"remote_script": "relative"}`, `"relative" is not a plain absolute path such as /chaos/burn_cpu`},
		{`{"remote_script": "/a/../b"}`, `"/a/../b" is not a plain absolute path such as /chaos/burn_cpu`},
		{`{"remote_script": "/"}`, `"/" is not a plain absolute path such as /chaos/burn_cpu`},
		{`{"remote_script": "/a\nb"}`, `"/a\nb" is not a plain absolute path such as /chaos/burn_cpu`},
		{`{"local_script": "../x"}`, `the script "../x" leads out of the scripts folder`},
		{`{"local_script": "/etc/passwd"}`, `the script "/etc/passwd" leads out of the scripts folder`},
		{`{"local_script": "out"}`, `the script "out" leads out of the scripts folder, by a link`},
		{`{"undo_script": "../x"}`, `the script "../x" leads out of the scripts folder`},
		{`{"undo_after": "1m"}`, "undo_after says when undo_script runs, which is not given"},
		{`{"timeout": 0}`, "the timeout is 0s, and must be more than 0 and at most 24h0m0s"},
		{`{"timeout": "25h"}`, "the timeout is 25h0m0s, and must be more than 0 and at most 24h0m0s"},
		{`{"args": ["a", "\u0000"]}`, "argument 2 holds a NUL character, which no program can be given"},
		{`{"env": {"A": "\u0000"}}`, "the value of A holds a NUL character, which no program can be given"},
		{`{"env": {"A=B": ""}}`, `"A=B" can't be the name of an environment variable`},
		{`{"env": {"OPTIND": "1"}}`, "the variable OPTIND can't be set: the shell or the run has its own"},
		{`{"secret_env": {"A": "\u0000"}}`, "the value of A holds a NUL character, which no program can be given"},
		{`{"env": {"A": "1"}, "secret_env": {"A": "2"}}`, "the variable A is in env and in secret_env; leave one of them out"},
		{`{"ssh": {"user": "me", "agent": true, "host_key": "MD5:aa:bb"}}`, notAHostKey},
		{`{"ssh": {"user": "me", "agent": true, "host_key": "SHA256:short"}}`, notAHostKey},
		{`{"hosts": [{"host": "a", "host_key": "ssh-rsa"}]}`, notAHostKey},
		{`{"env": {"CMED_UNDO": "1"}}`, "the variable CMED_UNDO can't be set: the shell or the run has its own"},
		{`{"env": {"CMED_JOB": "1"}}`, "the variable CMED_JOB can't be set: the shell or the run has its own"},
		{`{"ssh": {"user": "me"}}`, "there is no key to log in with: give pem, key_file or agent"},
		{`{"ssh": {"user": "me", "pem": "x", "key_file": "/x"}}`, "pem and key_file are both given; leave one of them out"},
		{`{"ssh": {"user": "me", "agent": true, "passphrase": "x"}}`, "the passphrase opens pem or key_file, of which none is given"},
		{`{"ssh": {"user": "me", "agent": true, "connect_timeout": "6m"}}`, "the timeout is 6m0s, and must be more than 0 and at most 5m0s"},
		{`{"ssh": {"user": "me", "agent": true, "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "known_hosts": ["/x"]}}`, "known_hosts and host_key are both given; leave one of them out"},
		{`{"ssh": {"user": "me", "agent": true, "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "insecure_ignore_host_key": true}}`, "host_key and insecure_ignore_host_key are both given; leave one of them out"},
		{`{"ssh": {"user": "me", "agent": true, "known_hosts": ["/x"], "insecure_ignore_host_key": true}}`, "known_hosts and insecure_ignore_host_key are both given; leave one of them out"},
		{`{"hosts": [{"host": "a", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}], "ssh": {"user": "me", "agent": true, "insecure_ignore_host_key": true}}`, "the host a has a host_key, and insecure_ignore_host_key is given; leave one of them out"},
	} {
		args := w.args(c.more)
		if warnings, err := w.attack.check(t.Context(), args); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v (warnings %q), want %s", c.more, err, warnings, c.want)
		}
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err == nil || len(d.records) > 0 {
			t.Errorf("%s: it runs: %v", c.more, err)
		}
	}
}

// What may come right until the run is a warning.
func TestCheckWarns(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "true")
	t.Setenv("SSH_AUTH_SOCK", "")
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, w.LockedKey(t, "open sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	public := base64.StdEncoding.EncodeToString([]byte("ssh-ed25519 AAAA"))
	for _, c := range []struct {
		more string
		want []string
	}{
		{"", nil},
		{`{"local_script": "missing.sh"}`, []string{`the script "missing.sh" is not in the scripts folder`}},
		{`{"undo_script": "missing.sh"}`, []string{`the script "missing.sh" is not in the scripts folder`}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "pem": "BASE64ENCODEDPEM"}}`, []string{"pem is not the base64 of a private key: no usable private key: that is not in PEM"}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "pem": "not base64!"}}`, []string{"pem is not the base64 of a private key: it is not base64"}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "pem": "` + public + `"}}`, []string{"pem is not the base64 of a private key: no usable private key: that is a public key"}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "key_file": "/nowhere"}}`, []string{"the key_file /nowhere is of no use: open /nowhere: no such file or directory"}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "key_file": "nowhere"}}`, []string{`the key_file nowhere is of no use: "nowhere" is not an absolute path, and doesn't begin with ~/`}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "key_file": "` + keyFile + `"}}`, []string{"the key is protected by a passphrase, and none is given"}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "passphrase": "x", "key_file": "` + keyFile + `"}}`, []string{"the passphrase doesn't open the key"}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "passphrase": "open sesame", "key_file": "` + keyFile + `"}}`, nil},
		{`{"ssh": {"user": "me", "agent": true}}`, []string{
			"there is no SSH agent: the daemon's SSH_AUTH_SOCK is empty",
			"no machine's host key is known: there is neither ~/.ssh/known_hosts nor /etc/ssh/ssh_known_hosts",
		}},
		{`{"ssh": {"user": "me", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "agent": true}}`, []string{"there is no SSH agent"}},
		{`{"ssh": {"user": "me", "insecure_ignore_host_key": true, "agent": true}}`, []string{"there is no SSH agent"}},
		{`{"hosts": [{"host": "a", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}], "ssh": {"user": "me", "agent": true}}`, []string{"there is no SSH agent"}},
		{`{"hosts": [{"host": "a", "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "b"]}`, nil},
		{`{"ssh": {"user": "me", "known_hosts": ["/dev/null"], "pem": "x"}}`, []string{"it is not base64"}},
		{`{"ssh": {"user": "me", "known_hosts": ["/nowhere"], "pem": "x"}}`, []string{"it is not base64", "the known_hosts file /nowhere can't be read"}},
	} {
		warnings, err := w.attack.check(t.Context(), w.args(c.more))
		if err != nil || len(warnings) != len(c.want) {
			t.Errorf("%s: %q, %v; want %q", c.more, warnings, err, c.want)
			continue
		}
		for i, warning := range warnings {
			if !strings.HasPrefix(warning, "as things are now, every run will fail: ") || !strings.Contains(warning, c.want[i]) {
				t.Errorf("%s: %q, want %q", c.more, warning, c.want[i])
			}
		}
	}
}

// The example of the Chaos Monkey Engine brings warnings, no refusal.
func TestTheDocumentedExampleIsAccepted(t *testing.T) {
	w := newWorld(t, sshtest.Access{})
	w.cloud.unconfigured = &compute.Error{Kind: compute.ErrUnconfigured, Operation: "ec2", Message: "no credentials"}
	args := readArgs(t, map[string]any{}, example)
	warnings, err := w.attack.check(t.Context(), args)
	if err != nil || len(warnings) < 3 {
		t.Fatalf("%q, %v", warnings, err)
	}
	all := strings.Join(warnings, "\n")
	for _, want := range []string{"no credentials", "s_burncpu.sh", "pem is not"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning says %q: %s", want, all)
		}
	}
	if strings.Contains(all, "BASE64ENCODEDPEM") {
		t.Errorf("the warnings show the key: %s", all)
	}
}

func TestTheHomeIsFound(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile(w.KnownHosts(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"known_hosts": known, "id": w.ClientKey} {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.script("main.sh", "echo on")
	for _, more := range []string{
		`{"ssh": {"user": "` + w.User + `", "key_file": "~/.ssh/id"}}`,
		`{"ssh": {"user": "` + w.User + `", "key_file": "~/.ssh/id", "known_hosts": ["~/.ssh/known_hosts"]}}`,
	} {
		if err := w.attack.run(t.Context(), w.args(more), newFakeDaemon()); err != nil {
			t.Error(err)
		}
	}
}

// Refusals of a machine reach the run's error in words that say what to do.
func TestAMachineRefuses(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	other := sshtest.Start(t, sshtest.Options{})
	w.script("main.sh", "true")
	for _, c := range []struct {
		rule, want string
		change     func(args *scriptArgs)
	}{
		{"an unknown host", "the machine's host key isn't accepted", func(args *scriptArgs) {
			args.SSH.HostKey, args.SSH.KnownHosts = "", []string{other.KnownHosts(t)}
		}},
		{"a wrong key", "the login is refused", func(args *scriptArgs) { args.SSH.PEM = string(other.ClientKey) }},
		{"nobody there", "the machine can't be reached", func(args *scriptArgs) {
			args.Hosts = []host{{Host: "127.0.0.1", Port: closedPort(t)}}
		}},
	} {
		args := w.args("")
		c.change(&args)
		d := newFakeDaemon()
		if err := w.attack.run(t.Context(), args, d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.rule, err, c.want)
		}
		if len(d.records) > 0 || d.document(t).Nodes[0].State != stateFailed {
			t.Errorf("%s: %d records, %s", c.rule, len(d.records), d.result)
		}
	}
	w.isClean()
}

// Opening a pipe that nobody writes to would wait for ever.
func TestFilesThatAreNoneAreNotOpened(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "true")
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for member, change := range map[string]func(s *sshArgs){
		"key_file":    func(s *sshArgs) { s.PEM, s.KeyFile = "", pipe },
		"known_hosts": func(s *sshArgs) { s.HostKey, s.KnownHosts = "", []string{pipe} },
	} {
		args := w.args("")
		change(&args.SSH)
		warnings, err := w.attack.check(t.Context(), args)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], member) || !strings.Contains(warnings[0], "not a regular file") {
			t.Errorf("%s: %v, %v", member, warnings, err)
		}
		if err := w.attack.run(t.Context(), args, newFakeDaemon()); err == nil || !strings.Contains(err.Error(), member) {
			t.Errorf("%s: the run ended with %v", member, err)
		}
	}
}

// A host with a key of its own needs no known_hosts; another is warned of, and
// only its own machine fails.
func TestSomeHostsHaveTheirOwnKeys(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", "echo on")
	args := w.args(`{"count": 2, "allow_all": true}`)
	pinned := args.Hosts[0]
	pinned.HostKey, args.SSH.HostKey = args.SSH.HostKey, ""
	args.Hosts = []host{pinned, {Host: "192.0.2.9"}}
	warnings, err := w.attack.check(t.Context(), args)
	if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "as things are now, a run on a host without a host_key will fail: no machine's host key is known") {
		t.Errorf("%q, %v", warnings, err)
	}
	d := newFakeDaemon()
	err = w.attack.run(t.Context(), args, d)
	if err == nil || !strings.HasPrefix(err.Error(), "1 of 2 machines failed: 192.0.2.9:22: no machine's host key is known") {
		t.Errorf("the run ended with %v", err)
	}
	expect(t, "stdout", d.printed(t, "stdout"), []string{"on"})
	w.isClean()
}
