package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// remote is how a daemon is started that other machines can reach, where
// something before it ends TLS.
var remote = []string{"--host", "0.0.0.0", "--insecure-transport"}

// An address that others can reach is not served before there is a key, and the
// refusal says how to get there.
func TestOthersAreLetInOnlyByAKey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	refused := func(args []string, words ...string) {
		t.Helper()
		d := launchAnd(t, 2, "lets other machines reach the API", withoutPlugins(), inHome(h), withArgs(args...))
		says(t, "the refusal", d.stderr.String(), words...)
	}
	refused([]string{"--host", "0.0.0.0"}, "needs TLS and an API key", "--tls-cert", "--tls-key", "--insecure-transport", "use a tunnel")
	refused([]string{"--host", "::"}, "needs TLS and an API key")
	refused(remote, "no API key has been made yet", "--first-key", `"cmed key create"`)

	d := start(t, withoutPlugins(), inHome(h), withArgs(append(remote, "--first-key")...))
	found := regexp.MustCompile(`\AThe first API key, an administrator's, shown this once only: (cmed_\S+)\ncmed \S+ is ready: `).
		FindStringSubmatch(d.stdout.String())
	if found == nil {
		t.Fatalf("it does not begin with the key and the greeting (%d bytes)", len(d.stdout.String()))
	}
	key := found[1]
	says(t, "the log", d.stderr.String(), "INSECURE: the API is served without TLS")
	closed := func() {
		t.Helper()
		d.refused(t, get("/api/1/plans/"), http.StatusUnauthorized, tellNoKey)
		d.refused(t, request{method: http.MethodPut, path: leverPath}, http.StatusUnauthorized, tellNoKey)
		if me := d.as(key).get(t, "/api/1/me"); me.text("name") != "first" || me.text("role") != "admin" {
			t.Errorf("the first key is that of %v", me)
		}
	}
	closed()
	checkKeptFrom(t, d, key)
	d.stop(t)
	d.restart(t)
	if out := d.stdout.String(); strings.Contains(out, "cmed_") {
		t.Error("a key is shown again")
	}
	closed()
	d.stop(t)
	d.setup.args = remote // there is a key now
	d.restart(t)
	closed()

	id := d.as(key).get(t, "/api/1/me").text("key")
	d.as(key).delete(t, "/api/1/keys/"+id, http.StatusOK)
	d.stop(t)
	refused(append(remote, "--first-key"), "all its API keys have expired or been revoked", "start it without --host")
	d.setup.args = nil
	d.restart(t) // on loopback; the API stays closed
	d.refused(t, get("/api/1/plans/"), http.StatusUnauthorized, tellNoKey)
	says(t, "cmed key list", d.locally(t, 0, "key", "list", "--all").out, "first", "revoked")
}

// Who says --insecure is warned, and the first key ends it all the same.
func TestInsecureIsLoudAndEndsWithTheFirstKey(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins(), withArgs("--host", "0.0.0.0", "--insecure"))
	const warning = "INSECURE: the API asks nobody for a key"
	says(t, "the log", d.stderr.String(), warning, "INSECURE: the API is served without TLS")
	if me := d.get(t, "/api/1/me"); me["open"] != true {
		t.Errorf("who needs no key is %v", me)
	}
	key := d.newKey(t, "boss", "admin")
	d.refused(t, get("/api/1/me"), http.StatusUnauthorized, tellNoKey)
	d.stop(t)
	d.restart(t)
	d.refused(t, get("/api/1/me"), http.StatusUnauthorized, tellNoKey)
	d.as(key).get(t, "/api/1/me")
	if n := strings.Count(d.stderr.String(), warning); n != 1 {
		t.Errorf("it is warned %d times of an open API, which it was once", n)
	}
}

// A daemon without a socket has none, and what a proxy passes on is not from this
// machine.
func TestWhatIsNotFromHere(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins(), withArgs("--socket", "none"))
	says(t, "cmed key create over no socket", d.locally(t, 1, "key", "create", "boss", "--role", "admin").err, "cmed.sock")
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "Via", "X-Real-Ip"} {
		r := headed(request{method: http.MethodPut, path: leverPath}, header, "1.1 proxy.example")
		d.refused(t, r, http.StatusUnauthorized, "the API is open to callers on this machine only…")
	}
	if lever := d.get(t, leverPath); lever["engaged"] != false {
		t.Errorf("the lever is %v", lever)
	}
}
