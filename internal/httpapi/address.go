package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// forwardedFor is where proxies say on whose behalf they call.
const forwardedFor = "X-Forwarded-For"

// overSocket says whether a request came over a unix socket. The server itself
// puts the listener's address into the context.
func overSocket(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return local != nil && local.Network() == "unix"
}

// isPassedOn says whether a request says that a proxy has passed it on. Who says
// it may be anybody; who is silent about it may have one before it.
func isPassedOn(r *http.Request) bool {
	for _, name := range []string{forwardedFor, "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "Via"} {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}

// clientAddress is the address of who calls: that of the connection or, when it
// is a trusted proxy's, the last one in X-Forwarded-For that is not. Proxies
// append, so what stands before that one may be a lie. The zero Addr when the
// connection has none.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := remoteAddress(r)
	if !isTrusted(addr, trusted) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header[forwardedFor], ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break // whoever wrote that, the last known one passed it on
		}
		addr = plainAddress(hop)
	}
	return addr
}

// parseHop reads an address of X-Forwarded-For: bare, in brackets, or with the port
// that some proxies add.
func parseHop(text string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr(), nil
	}
	return netip.ParseAddr(strings.Trim(text, "[]"))
}

func remoteAddress(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return plainAddress(at.Addr())
}

// plainAddress is an address in the one form it is compared in.
func plainAddress(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// showAddress is an address for people, "unknown" for the zero Addr.
func showAddress(a netip.Addr) string {
	if !a.IsValid() {
		return "unknown"
	}
	return a.String()
}
