package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// FuzzAuthorization lets nobody in who does not know the key.
func FuzzAuthorization(f *testing.F) {
	s, err := store.Open(filepath.Join(f.TempDir(), "cme.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	keys, err := access.Open(f.Context(), s)
	if err != nil {
		f.Fatal(err)
	}
	key, secret, err := keys.Make(f.Context(), access.NewKey{Name: "n", Role: access.Admin})
	if err != nil {
		f.Fatal(err)
	}
	server := NewServer(Config{Keys: keys, Open: OpenToAll}, newFake(f), hclog.NewNullLogger())
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "bearer " + secret[:20], "Bearer " + secret + "x", "Basic YTpi", "Bearer cmed_" + string(key.ID) + "_",
		"Bearer\t" + secret[5:], ",", "Bearer " + secret[:len(secret)-1] + "\x00",
	} {
		f.Add(seed, "203.0.113.9")
	}
	f.Fuzz(func(t *testing.T, header, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/api/1/keys/", nil)
		r.Header["Authorization"] = []string{header}
		r.Header[forwardedFor] = []string{forwarded}
		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized && w.Code != http.StatusTooManyRequests {
			t.Errorf("%q is let in: %d", header, w.Code)
		}
	})
}

// FuzzForwardedFor believes nobody an address of a trusted proxy's.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "1.2.3.4", "1.2.3.4, 10.0.0.1", ",,", "[::1]", "fe80::1%eth0", "10.0.0.1, 10.0.0.1", "999.1.1.1"} {
		f.Add("192.0.2.1:1", seed)
		f.Add("10.1.1.1:1", seed)
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header[forwardedFor] = remote, []string{forwarded}
		got := clientAddress(r, trusted)
		at, err := netip.ParseAddrPort(remote)
		if err != nil {
			if got.IsValid() {
				t.Errorf("an address without any: %v", got)
			}
			return
		}
		if direct := plainAddress(at.Addr()); !isTrusted(direct, trusted) && got != direct {
			t.Errorf("%s is believed to be %s", direct, got)
		}
		if got.Zone() != "" || got.Is4In6() {
			t.Errorf("%v has another form", got)
		}
	})
}
