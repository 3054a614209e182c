package httpapi

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestOpenUntilTheFirstKeyAndThenNeverAgain(t *testing.T) {
	dir := t.TempDir()
	t.Run("before and after", func(t *testing.T) {
		g := openGate(t, dir, Config{Open: OpenHere})
		g.do(get("/api/1/me")).is(http.StatusOK).
			has("name", `"anybody"`).has("role", `"admin"`).has("key", "null").has("open", "true")
		g.do(sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan)).is(http.StatusOK)
		g.do(call{method: http.MethodDelete, target: "/api/1/halt"}).is(http.StatusOK)

		made := g.do(sendJSON(http.MethodPost, "/api/1/keys/", `{"name":"ana","role":"admin"}`)).is(http.StatusCreated)
		secret, id := made.at("key").(string), made.at("id").(string)
		if got := made.header.Get("Location"); got != "/api/1/keys/"+id {
			t.Errorf("Location %q", got)
		}
		g.do(get("/api/1/me")).is(http.StatusUnauthorized)
		g.do(get("/api/1/me").bearing(secret)).is(http.StatusOK).
			has("name", `"ana"`).has("role", `"admin"`).has("key", `"`+id+`"`).has("open", "false")

		g.do(call{method: http.MethodDelete, target: "/api/1/keys/" + id}.bearing(secret)).is(http.StatusOK).
			has("live", "false").has("msg", `"key `+id+` revoked: it opens nothing from now on"`)
		g.do(get("/api/1/me").bearing(secret)).is(http.StatusUnauthorized)
		g.do(get("/api/1/me")).is(http.StatusUnauthorized) // though no key is left
		g.doLocal(get("/api/1/me")).is(http.StatusOK).has("name", `"this machine's administrator"`).has("open", "false")
		if err := g.store.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		g := openGate(t, dir, Config{Open: OpenToAll})
		g.do(get("/api/1/me")).is(http.StatusUnauthorized)
		g.do(sendJSON(http.MethodPost, "/api/1/plans/", minimalPlan)).is(http.StatusUnauthorized)
		if changes := g.changes(); len(changes) != 0 {
			t.Errorf("did %v", changes)
		}
	})
}

func TestWhoIsLetInWithoutAKey(t *testing.T) {
	tests := []struct {
		name   string
		open   Openness
		header string // of a proxy; "": none
		key    bool   // one was made
		status int
		says   string
	}{
		{name: "nobody at a closed door", open: Closed, status: 401, says: tellNoKey},
		{name: "this machine", open: OpenHere, status: 200},
		{name: "not who a proxy passes on", open: OpenHere, header: "X-Forwarded-For", status: 401, says: tellPassedOn},
		{name: "nor in the newer form", open: OpenHere, header: "Forwarded", status: 401, says: tellPassedOn},
		{name: "nor by the way of one", open: OpenHere, header: "Via", status: 401, says: tellPassedOn},
		{name: "all", open: OpenToAll, status: 200},
		{name: "all, by a proxy too", open: OpenToAll, header: "X-Forwarded-For", status: 200},
		{name: "nobody of this machine when there is a key", open: OpenHere, key: true, status: 401, says: tellNoKey},
		{name: "nobody at all when there is a key", open: OpenToAll, key: true, status: 401, says: tellNoKey},
		{name: "nobody by a proxy when there is a key", open: OpenHere, header: "Via", key: true, status: 401, says: tellNoKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, Config{Open: tt.open})
			if tt.key {
				g.key(access.NewKey{Role: access.Viewer})
			}
			c := call{method: http.MethodPost, target: "/api/1/plugins/rescan"}
			if tt.header != "" {
				c = c.with(tt.header, "127.0.0.1")
			}
			a := g.do(c).is(tt.status)
			if changes := g.changes(); (len(changes) == 1) != (tt.status == 200) {
				t.Errorf("did %v", changes)
			}
			if tt.says != "" && a.at("msg") != tt.says {
				t.Errorf("it says %q", a.at("msg"))
			}
			g.doLocal(get("/api/1/me")).is(http.StatusOK)
		})
	}
}

// A proxy before the socket does not make everybody an administrator.
func TestNobodyIsAnAdministratorByAProxy(t *testing.T) {
	for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"} {
		g := newGate(t, Config{Open: OpenHere})
		me := get("/api/1/me").with(header, "192.0.2.1")
		g.doLocal(me).is(http.StatusUnauthorized).has("msg", strconv.Quote(tellPassedOn))
		g.do(me).is(http.StatusUnauthorized)
		_, secret := g.key(access.NewKey{Name: "vera", Role: access.Viewer})
		g.doLocal(me).is(http.StatusUnauthorized)
		g.doLocal(me.bearing(secret)).is(http.StatusOK).has("name", `"vera"`)
		g.doLocal(get("/api/1/me")).is(http.StatusOK).has("role", `"admin"`)
	}
}

// A name is only asked for where a page could do harm under a foreign one.
func TestAnyNameWillDoForWhoShowsAKey(t *testing.T) {
	g := newGate(t, Config{Open: OpenHere})
	c := get("/api/1/plans/").with("Host", "cmed.example:5000")
	g.do(c).is(http.StatusMisdirectedRequest)
	g.doLocal(c).is(http.StatusOK)
	_, secret := g.key(access.NewKey{Role: access.Viewer})
	g.do(c.bearing(secret)).is(http.StatusOK)
	g.do(c).is(http.StatusUnauthorized)
	g.do(c.bearing(secret).with("Origin", "https://evil.example")).is(http.StatusForbidden) // origins are still checked
}

func TestWhatNobodyLearnsOfTheDaemon(t *testing.T) {
	g := newGate(t, Config{})
	g.engine.halted.Engaged, g.engine.halted.By, g.engine.halted.Reason = true, "ana", "the release burns"
	_, viewer := g.key(access.NewKey{Role: access.Viewer})
	g.do(get("/readyz")).is(http.StatusOK).equals(`{"status":"ready","lever":"engaged"}`)
	g.do(get("/readyz").bearing(viewer)).is(http.StatusOK).has("by", `"ana"`).has("reason", `"the release burns"`)
	g.engine.fail["Ready"] = errNotReady
	g.do(get("/readyz")).is(http.StatusServiceUnavailable).has("msg", `"not ready"`)
	g.do(get("/readyz").bearing(viewer)).is(http.StatusServiceUnavailable).has("msg", `"not ready: the store is full"`)
	g.do(get("/healthz")).is(http.StatusOK).equals(`{"status":"ok"}`)
	// A probe with a key that has expired is still a probe.
	g.do(get("/healthz").bearing("cmed_wrong")).is(http.StatusOK)
}

var errNotReady = engine.Errorf(engine.CodeFull, "the store is full")
