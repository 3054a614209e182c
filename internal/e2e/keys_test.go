package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	tellNoKey = `this needs an API key, sent in the header "Authorization: Bearer cmed_…"; ` +
		`an administrator makes one on the daemon's machine with "cmed key create"`
	strangersKey = "cmed_000000000000_0000000000000000000000000000000000000000000"
)

// shownKey is a key that was just made.
type shownKey struct{ ID, Key string }

// makeKey makes a key over the daemon's socket.
func (d *daemon) makeKey(t testing.TB, name, role string, more ...string) shownKey {
	t.Helper()
	said := d.locally(t, 0, append([]string{"key", "create", name, "--role", role, "-o", "json"}, more...)...)
	var key shownKey
	if err := json.Unmarshal([]byte(said.out), &key); err != nil || key.ID == "" || !strings.HasPrefix(key.Key, "cmed_"+key.ID+"_") {
		t.Fatalf("cmed key create shows %d bytes and the key %q: %v", len(said.out), key.ID, err)
	}
	return key
}

// The first key, made over the socket, closes the API to all who show none, at
// once and for good.
func TestTheFirstKeyClosesTheAPI(t *testing.T) {
	t.Parallel()
	d := start(t)
	if me := d.get(t, "/api/1/me"); me.text("name") != "anybody" || me.text("role") != "admin" || me["open"] != true || me["key"] != nil {
		t.Errorf("who needs no key is %v", me)
	}
	plan, _ := d.postPlan(t, sleepPlan(tomorrow()))
	events := d.follow(t, "/api/1/events/", nil)
	said := d.locally(t, 0, "key", "create", "boss", "--role", "admin")
	key := strings.TrimSuffix(said.out, "\n")
	if !strings.HasPrefix(key, "cmed_") || strings.ContainsAny(key, " \n") {
		t.Fatalf("cmed key create writes %d bytes that are no key", len(said.out))
	}
	says(t, "cmed key create", said.err, `"boss", role admin, until it is revoked`, "it is shown this once")
	if strings.Contains(said.err, key) {
		t.Error("the key is in what a person is told, too")
	}
	events.cutOff(t)

	boss := d.as(key)
	check := func() {
		t.Helper()
		for _, r := range []request{
			get("/"), get("/api/1/plans/"), get("/api/1/me"), get("/metrics"), get("/api/1/events/"),
			{method: http.MethodPost, path: "/api/1/plans/", body: sleepPlan(tomorrow())},
			{method: http.MethodDelete, path: "/api/1/plans/" + plan},
			{method: http.MethodPut, path: leverPath},
			{method: http.MethodGet, path: "/api/1/backup"},
			{method: http.MethodPost, path: "/api/1/keys/", body: map[string]any{"name": "me too", "role": "admin"}},
		} {
			a := d.send(t, r)
			checkProblem(t, a, http.StatusUnauthorized, tellNoKey)
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="cmed"` {
				t.Errorf("%s %s: WWW-Authenticate %q", r.method, r.path, got)
			}
		}
		for _, path := range []string{"/healthz", "/readyz", "/docs", "/api/1/openapi.json"} {
			if a := d.send(t, get(path)); a.status != http.StatusOK {
				t.Errorf("without a key %s is answered with %d", path, a.status)
			}
		}
		if me := boss.get(t, "/api/1/me"); me.text("name") != "boss" || me.text("role") != "admin" || me["open"] != false {
			t.Errorf("who shows the key is %v", me)
		}
		if n := len(boss.get(t, "/api/1/plans/").list("plans")); n != 1 {
			t.Errorf("%d plans, want the one from before", n)
		}
		if lever := boss.get(t, leverPath); lever["engaged"] != false {
			t.Errorf("the lever is %v", lever)
		}
		says(t, "cmed plan list without a key", d.cmed(t, 1, "plan", "list").err, "this needs an API key", "--key-file FILE", "cmed key create NAME")
		with := []string{"CMED_SERVER=" + d.base, "CMED_KEY=" + key}
		says(t, "cmed plan list with the key", d.cmedWith(t, 0, with, "plan", "list").out, plan[:8])
		says(t, "cmed plan list over the socket", d.locally(t, 0, "plan", "list").out, plan[:8])
	}
	check()
	d.kill(t)
	d.restart(t)
	boss = d.as(key)
	check()
	checkKeptFrom(t, d, key)
}

// cutOff waits until a stream has ended.
func (s *stream) cutOff(t testing.TB) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case _, more := <-s.lines:
			if !more {
				return
			}
		case <-limit:
			t.Fatal("the stream goes on")
		}
	}
}

// checkKeptFrom fails the test when what opens is anywhere that the daemon writes
// or that others see.
func checkKeptFrom(t testing.TB, d *daemon, key string) {
	t.Helper()
	_, secret, _ := strings.Cut(strings.TrimPrefix(key, "cmed_"), "_") // behind the id
	database, err := os.ReadFile(d.database)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{
		"the log": d.stderr.String(), "the process list": processList(t), "the database": string(database),
		"cmed key list":     d.locally(t, 0, "key", "list", "--all", "-o", "json").out,
		"cmed audit export": d.locally(t, 0, "audit", "export").out,
	}
	if len(secret) < 20 || len(database) == 0 {
		t.Fatalf("this tests nothing: a secret of %d bytes, a store of %d", len(secret), len(database))
	}
	for place, text := range places {
		if strings.Contains(text, secret) {
			t.Errorf("%s has the key", place)
		}
	}
}

// A key that is revoked opens nothing from then on, in this daemon and the next,
// and the streams it has open end. Others go on.
func TestARevokedKeyOpensNothing(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins())
	boss, ann, bob := d.makeKey(t, "boss", "admin"), d.makeKey(t, "ann", "viewer"), d.makeKey(t, "bob", "viewer")
	short := d.makeKey(t, "eve", "viewer", "--ttl", "1s")
	annHears, bobHears := d.as(ann.Key).follow(t, "/api/1/events/", nil), d.as(bob.Key).follow(t, "/api/1/events/", nil)
	with := []string{"CMED_SERVER=" + d.base, "CMED_KEY=" + boss.Key}
	says(t, "cmed key revoke", d.cmedWith(t, 0, with, "key", "revoke", ann.ID).out, ann.ID, `"ann"`, "is revoked")
	annHears.cutOff(t)
	waitFor(t, patience, "the short key to expire", func() bool {
		return d.as(short.Key).send(t, get("/api/1/me")).status == http.StatusUnauthorized
	})
	check := func() {
		t.Helper()
		for _, wrong := range []struct{ name, key, msg string }{ // fewer than are too many
			{"revoked", ann.Key, "the API key has been revoked; an administrator…"},
			{"expired", short.Key, "the API key has expired; an administrator…"},
			{"unknown", strangersKey, "this server does not know that API key; an administrator…"},
			{"no key", "open sesame", "this server does not know that API key; an administrator…"},
			{"bob's id with ann's secret", strings.Replace(ann.Key, ann.ID, bob.ID, 1), "this server does not know that API key; an administrator…"},
		} {
			a := d.as(wrong.key).send(t, get("/api/1/me"))
			checkProblem(t, a, http.StatusUnauthorized, wrong.msg)
			if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer realm="cmed"`) || !strings.Contains(got, "invalid_token") {
				t.Errorf("%s: WWW-Authenticate %q", wrong.name, got)
			}
		}
		if name := d.as(bob.Key).get(t, "/api/1/me").text("name"); name != "bob" {
			t.Errorf("the key of bob is that of %q", name)
		}
	}
	check()
	d.engageAs(t, boss.Key)
	bobHears.until(t, "lever.engaged") // hears on
	d.kill(t)
	d.restart(t)
	check()
	list := d.locally(t, 0, "key", "list", "--all").out
	says(t, "cmed key list --all", list, "revoked", "expired", "live", "this machine's administrator")
	if live := d.locally(t, 0, "key", "list").out; strings.Contains(live, "ann") || !strings.Contains(live, "bob") {
		t.Errorf("live are\n%s", live)
	}
	again := d.locally(t, 1, "key", "revoke", "000000000000")
	says(t, "the revocation of no key", again.err, "key not found")
}

// engageAs engages the lever with a key and releases it.
func (c client) engageAs(t testing.TB, key string) {
	t.Helper()
	c.as(key).engage(t, "", "a drill")
	c.as(key).delete(t, leverPath, http.StatusOK)
}
