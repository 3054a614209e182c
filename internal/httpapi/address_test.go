package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"nobody is believed but a proxy", "198.51.100.7:1", []string{"1.2.3.4"}, "198.51.100.7"},
		{"a proxy is", "10.1.2.3:1", []string{"1.2.3.4"}, "1.2.3.4"},
		{"a proxy that says nothing", "10.1.2.3:1", nil, "10.1.2.3"},
		{"a chain of proxies", "10.1.2.3:1", []string{"1.2.3.4, 10.9.9.9"}, "1.2.3.4"},
		{"a chain over several headers", "10.1.2.3:1", []string{"1.2.3.4", "10.9.9.9"}, "1.2.3.4"},
		{"what the client itself claims", "10.1.2.3:1", []string{"127.0.0.1, 1.2.3.4"}, "1.2.3.4"},
		{"a client that claims to be a proxy", "10.1.2.3:1", []string{"127.0.0.1, 10.5.5.5, 1.2.3.4"}, "1.2.3.4"},
		{"nothing but proxies", "10.1.2.3:1", []string{"10.5.5.5, 10.6.6.6"}, "10.5.5.5"},
		{"rubbish", "10.1.2.3:1", []string{"rubbish"}, "10.1.2.3"},
		{"rubbish before the client", "10.1.2.3:1", []string{"rubbish, 1.2.3.4"}, "1.2.3.4"},
		{"rubbish behind the client", "10.1.2.3:1", []string{"1.2.3.4, rubbish"}, "10.1.2.3"},
		{"an empty header", "10.1.2.3:1", []string{""}, "10.1.2.3"},
		{"IPv6", "[fd00::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 in brackets", "[fd00::1]:1", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"a port", "10.1.2.3:1", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"a port of IPv6", "10.1.2.3:1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.1.2.3]:1", []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
		{"a zone", "[fe80::1%eth0]:1", nil, "fe80::1"},
		{"no address", "@", []string{"1.2.3.4"}, "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tt.remote
			if tt.forwarded != nil {
				r.Header[forwardedFor] = tt.forwarded
			}
			if got := showAddress(clientAddress(r, trusted)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
