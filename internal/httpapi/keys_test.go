package httpapi

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

func TestAKeyIsMadeShownOnceAndRevoked(t *testing.T) {
	g := newGate(t, Config{})
	made := g.doLocal(sendJSON(http.MethodPost, "/api/1/keys/",
		`{"name":" ci ","role":"operator","ttl":"30d","limits":{"refs":["tc:*"],"labels":{"team":"a"}}}`)).
		is(http.StatusCreated).
		has("name", `"ci"`).has("role", `"operator"`).has("limits", `{"labels":{"team":"a"},"refs":["tc:*"]}`).
		has("by", `"this machine's administrator"`).has("revoked", "null").has("live", "true")
	id, secret := made.at("id").(string), made.at("key").(string)
	if !regexp.MustCompile(`^cmed_` + id + `_[A-Za-z0-9_-]{43}$`).MatchString(secret) {
		t.Errorf("the key is %q", secret)
	}
	expires, err := time.Parse(time.RFC3339, made.at("expires").(string))
	if left := time.Until(expires); err != nil || left < 30*24*time.Hour-time.Minute || left > 30*24*time.Hour {
		t.Errorf("it expires in %v, %v", left, err)
	}
	shown := g.doLocal(get("/api/1/keys/"+id)).is(http.StatusOK).has("id", `"`+id+`"`).has("_links.self.href", `"/api/1/keys/`+id+`"`)
	if strings.Contains(string(shown.body), secret) || shown.doc()["key"] != nil {
		t.Errorf("it is shown again: %s", shown.body)
	}
	g.do(get("/api/1/me").bearing(secret)).is(http.StatusOK).has("limits", `{"labels":{"team":"a"},"refs":["tc:*"]}`)
	g.do(get("/api/1/me").with("Authorization", "bearer  "+secret)).is(http.StatusOK) // the scheme is no matter of case

	revoke := call{method: http.MethodDelete, target: "/api/1/keys/" + id}
	first := g.doLocal(revoke).is(http.StatusOK).has("live", "false").at("revoked")
	if again := g.doLocal(revoke).is(http.StatusOK).at("revoked"); again != first {
		t.Errorf("revoked at %v, then at %v", first, again)
	}
	g.do(get("/api/1/me").bearing(secret)).is(http.StatusUnauthorized)
	g.doLocal(call{method: http.MethodDelete, target: "/api/1/keys/abcdefabcdef"}).is(http.StatusNotFound)
	if list := g.doLocal(get("/api/1/keys/")).at("keys").([]any); len(list) != 1 {
		t.Errorf("there are %v", list)
	}
}

func TestAKeyThatIsGoodForNothingWarns(t *testing.T) {
	g := newGate(t, Config{})
	offering(g.engine)
	made := g.doLocal(sendJSON(http.MethodPost, "/api/1/keys/",
		`{"name":"ci","role":"operator","limits":{"refs":["api_reqest:*","api_request:*"]}}`)).is(http.StatusCreated)
	made.has("_warnings", `["the pattern \"api_reqest:*\" matches no attack that is offered now"]`)
}

func TestKeysThatAreNotMade(t *testing.T) {
	g := newGate(t, Config{})
	tests := []struct{ name, body, pointer, says string }{
		{"no name", `{"role":"viewer"}`, "", "'name' is a required property"},
		{"a blank name", `{"name":" ","role":"viewer"}`, "/name", "the name is empty: it tells who or what the key is for"},
		{"no role", `{"name":"n"}`, "", "'role' is a required property"},
		{"no such role", `{"name":"n","role":"root"}`, "/role", `"root" is not a role: it is one of viewer, operator and admin`},
		{"the role of nobody", `{"name":"n","role":"nobody"}`, "/role", `"nobody" is not a role: it is one of viewer, operator and admin`},
		{"no time at all", `{"name":"n","role":"viewer","ttl":"0s"}`, "/ttl", "ttl is how long"},
		{"a time without its unit", `{"name":"n","role":"viewer","ttl":"30"}`, "/ttl", `ttl "30" has no unit: ttl is how long the key is to be valid, such as "12h" or "30d"`},
		{"time before", `{"name":"n","role":"viewer","ttl":"-1h"}`, "/ttl", "ttl is how long"},
		{"a number", `{"name":"n","role":"viewer","ttl":5}`, "/ttl", "5 is not of type"},
		{"too many days", `{"name":"n","role":"viewer","ttl":"3651d"}`, "/ttl", "ttl is how long"},
		{"no days", `{"name":"n","role":"viewer","ttl":"d"}`, "/ttl", "ttl is how long"},
		{"a misspelt time", `{"name":"n","role":"viewer","expires":"30d"}`, "/expires", `a key has no "expires", only name, role, ttl, limits`},
		{"several misspelt", `{"name":"n","role":"viewer","z":1,"a/~":2}`, "/a~1~0", `a key has no "a/~", only name, role, ttl, limits`},
		{"a misspelt limit", `{"name":"n","role":"viewer","limits":{"ref":["a:*"]}}`, "/limits/ref", `limits has no "ref", only refs, labels`},
		{"limits that are none", `{"name":"n","role":"viewer","limits":[]}`, "/limits", "is not of type"},
		{"a pattern that is none", `{"name":"n","role":"viewer","limits":{"refs":["a["]}}`, "/limits/refs/0", "is not a pattern"},
		{
			"an administrator's limits", `{"name":"n","role":"admin","limits":{"labels":{"team":"a"}}}`, "/limits",
			"an administrator's key can't be limited",
		},
		{"a label that is none", `{"name":"n","role":"viewer","limits":{"labels":{"a":1}}}`, "/limits/labels/a", "1 is not of type 'string'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			a := g.doLocal(sendJSON(http.MethodPost, "/api/1/keys/", tt.body)).is(http.StatusBadRequest)
			first := a.at("errors").([]any)[0].(map[string]any)
			if first["pointer"] != tt.pointer || !strings.Contains(first["message"].(string), tt.says) {
				t.Errorf("it says %v", first)
			}
			if g.keys.Closed() {
				t.Error("a key was made")
			}
		})
	}
}

func TestTTL(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 30 * 24 * time.Hour, "720h": 720 * time.Hour, "1h30m": 90 * time.Minute, " 1d ": 24 * time.Hour, "3650d": maxTTL,
	} {
		if got, err := parseTTL(text); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

// The copy that is sent is a store that opens, with what was in it.
func TestABackupIsAStore(t *testing.T) {
	g := newGate(t, Config{})
	id, secret := g.key(access.NewKey{Name: "ana", Role: access.Admin})
	a := g.do(get("/api/1/backup").bearing(secret)).is(http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("content type %q", got)
	}
	if got := a.header.Get("Content-Disposition"); !regexp.MustCompile(`^attachment; filename="cmed-\d{8}T\d{6}Z\.db"$`).MatchString(got) {
		t.Errorf("Content-Disposition %q", got)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, a.body, 0o600); err != nil {
		t.Fatal(err)
	}
	copied, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	keys, err := copied.Keys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].ID != id {
		t.Errorf("the copy has the keys %v, %v", keys, err)
	}
	if e := g.lastEntry(); e.Action != "backup" || e.Who != "ana" || !strings.HasSuffix(e.Detail, " bytes") {
		t.Errorf("the entry is %+v", e)
	}
}

// A client that reads slowly holds no transaction: the store is written meanwhile.
func TestABackupHoldsNothingOfTheStore(t *testing.T) {
	g := newGate(t, Config{})
	conn := dial(t, "unix", g.socket)
	if _, err := io.WriteString(conn, "GET /api/1/backup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	g.doLocal(sendJSON(http.MethodPost, "/api/1/keys/", `{"name":"n","role":"viewer"}`)).is(http.StatusCreated)
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Error(err)
	}
}

func TestABackupThatFailsIsNoFile(t *testing.T) {
	g := newGate(t, Config{})
	if err := g.store.Close(); err != nil {
		t.Fatal(err)
	}
	a := g.doLocal(get("/api/1/backup"))
	if a.status < 500 || a.header.Get("Content-Type") != problemType || a.header.Get("Content-Disposition") != "" {
		t.Errorf("status %d, %v", a.status, a.header)
	}
}
