package httpapi

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// containsToken says whether a header's list has a token.
func containsToken(list, token string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

func TestHostIsChecked(t *testing.T) {
	cfg := Config{Hosts: []string{"Chaos.Example", "192.0.2.7"}, Open: OpenToAll}
	tests := []struct {
		host  string
		known bool
	}{
		{"localhost", true},
		{"localhost:5000", true},
		{"LocalHost.:5000", true},
		{"cmed.localhost:5000", true},
		{"127.0.0.1:5000", true},
		{"127.1.2.3", true},
		{"[::1]:5000", true},
		{"[::ffff:127.0.0.1]", true},
		{"chaos.example:80", true},
		{"192.0.2.7:5000", true},
		{"10.0.0.5:5000", true}, // the address the connection arrived on
		{"10.0.0.6:5000", false},
		{"evil.example", false},
		{"evil.example:5000", false},
		{"localhost.evil.example", false},
		{"127.0.0.1.evil.example", false},
		{"notlocalhost", false},
		{"0.0.0.0:5000", false},
		{"[::1", true},
		{"", false},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			f := newFake(t)
			r := httptest.NewRequest(http.MethodPost, "/api/1/plugins/rescan", nil)
			r.Host = tt.host
			local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 5000}
			r = r.WithContext(contextWithLocal(r, local))
			w := httptest.NewRecorder()
			NewServer(cfg, f, hclog.NewNullLogger()).Handler().ServeHTTP(w, r)
			want := http.StatusMisdirectedRequest
			if tt.known {
				want = http.StatusOK
			}
			if w.Code != want || (len(f.changes) == 1) != tt.known {
				t.Errorf("status %d, want %d; did %v: %s", w.Code, want, f.changes, w.Body)
			}
		})
	}
}

func TestOriginIsChecked(t *testing.T) {
	tests := []struct {
		name, origin, fetchSite string
		allowed                 []string
		admitted, cors          bool
	}{
		{name: "no page", admitted: true},
		{name: "its own", origin: "http://localhost:5000", admitted: true},
		{name: "its own in capitals", origin: "HTTP://LOCALHOST:5000", admitted: true},
		{name: "its own behind TLS", origin: "https://localhost:5000", admitted: true},
		{name: "another port of the machine", origin: "http://localhost:8080"},
		{name: "a foreign page", origin: "https://evil.example"},
		{name: "a file", origin: "null"},
		{name: "an extension", origin: "moz-extension://localhost:5000"},
		{name: "a broken origin", origin: "http://%zz"},
		{name: "a page that is allowed", origin: "https://ops.example", allowed: []string{"https://OPS.example/"}, admitted: true, cors: true},
		{name: "a page beside the allowed one", origin: "https://ops.example:8443", allowed: []string{"https://ops.example"}},
		{name: "the allowed page without TLS", origin: "http://ops.example", allowed: []string{"https://ops.example"}},
		{name: "any page when all are allowed", origin: "https://evil.example", allowed: []string{"*"}, admitted: true, cors: true},
		{name: "a foreign page that names no origin", fetchSite: "cross-site"},
		{name: "a sibling page that names no origin", fetchSite: "same-site"},
		{name: "the address bar", fetchSite: "none", admitted: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			c := call{method: http.MethodPost, target: "/api/1/plugins/rescan"}
			if tt.origin != "" {
				c = c.with("Origin", tt.origin)
			}
			if tt.fetchSite != "" {
				c = c.with("Sec-Fetch-Site", tt.fetchSite)
			}
			want := http.StatusForbidden
			if tt.admitted {
				want = http.StatusOK
			}
			a := doWith(t, Config{CORSOrigins: tt.allowed}, f, c).is(want)
			if (len(f.changes) == 1) != tt.admitted {
				t.Errorf("did %v", f.changes)
			}
			if got := a.header.Get("Access-Control-Allow-Origin"); (got == tt.origin && got != "") != tt.cors {
				t.Errorf("Access-Control-Allow-Origin %q", got)
			}
			if !tt.admitted && a.at("msg") == "" {
				t.Error("no msg")
			}
		})
	}
}

func TestForeignPageMayNotEvenRead(t *testing.T) {
	do(t, newFake(t), get("/api/1/plans/").with("Origin", "https://evil.example")).is(http.StatusForbidden)
	for _, tt := range []struct {
		path, site, mode string
		admitted         bool
	}{
		{"/api/1/plans/", "cross-site", "navigate", true}, // a link somebody follows
		{"/api/1/plans/", "cross-site", "", true},
		{"/api/1/plans/", "none", "navigate", true},
		{"/api/1/plans/", "same-origin", "cors", true},
		{"/api/1/plans/", "cross-site", "no-cors", false}, // an image
		{"/api/1/plans/", "same-site", "no-cors", false},
		{"/api/1/events/", "cross-site", "no-cors", false},
		{"/api/1/backup", "cross-site", "navigate", false},
		{"/api/1/backup", "same-site", "", false},
	} {
		want := http.StatusForbidden
		if tt.admitted {
			want = http.StatusOK
		}
		do(t, newFake(t), get(tt.path).with("Sec-Fetch-Site", tt.site).with("Sec-Fetch-Mode", tt.mode)).is(want)
	}
}

func TestPreflight(t *testing.T) {
	preflight := call{method: http.MethodOptions, target: "/api/1/executors/" + nobody}.
		with("Origin", "https://ops.example").with("Access-Control-Request-Method", "PUT")
	a := doWith(t, Config{CORSOrigins: []string{"https://ops.example"}}, newFake(t), preflight).is(http.StatusNoContent)
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		if got := a.header.Get("Access-Control-Allow-Methods"); !containsToken(got, method) {
			t.Errorf("%s is not among %q", method, got)
		}
	}
	for _, name := range []string{"Content-Type", "Idempotency-Key", "Authorization", "Last-Event-ID"} {
		if got := a.header.Get("Access-Control-Allow-Headers"); !containsToken(got, name) {
			t.Errorf("%s is not among %q", name, got)
		}
	}
	if got := a.header.Get("Vary"); got != "Origin" {
		t.Errorf("Vary %q", got)
	}
	do(t, newFake(t), preflight).is(http.StatusForbidden)
}

// A client that wanted a certificate for a name has been shown one for it.
func TestTheNameOfACertificateIsKnown(t *testing.T) {
	for _, tt := range []struct {
		host, wanted string
		known        bool
	}{
		{"cmed.example:5000", "cmed.example", true},
		{"CMED.example", "cmed.example", true},
		{"evil.example", "cmed.example", false},
		{"evil.example", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "https://x/api/1/plans/", nil)
		r.Host, r.TLS = tt.host, &tls.ConnectionState{ServerName: tt.wanted}
		w := httptest.NewRecorder()
		NewServer(Config{Open: OpenToAll}, newFake(t), hclog.NewNullLogger()).Handler().ServeHTTP(w, r)
		if known := w.Code == http.StatusOK; known != tt.known {
			t.Errorf("%s with a certificate for %q: %d", tt.host, tt.wanted, w.Code)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	for _, c := range []call{get("/"), get("/nothing"), get("/").with("Host", "evil.example")} {
		a := do(t, newFake(t), c)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
			"Content-Security-Policy":     "default-src 'none'; frame-ancestors 'none'",
			"Access-Control-Allow-Origin": "",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}
