package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard decides from Host and Origin whether a request is let in. As long as the
// API is open, what protects it from the web pages its user visits is that a page
// can neither call it under its own name (DNS rebinding: the Host is then a
// foreign name) nor from its own origin (the browser says which). Who shows a key
// may call the server by any name, since a page has none; who shows none where
// one is needed may too, for the little there is without.
type guard struct {
	hosts   []string // lower case, without port
	origins []string // lower case
	anyPage bool     // CORS is open to all
}

func newGuard(hosts, origins []string) guard {
	g := guard{anyPage: slices.Contains(origins, "*")}
	for _, h := range hosts {
		g.hosts = append(g.hosts, hostname(h))
	}
	for _, o := range origins {
		g.origins = append(g.origins, strings.ToLower(strings.TrimSuffix(o, "/")))
	}
	return g
}

// admit returns an error when the request is to be refused, and handled when it
// was a preflight, which is answered here.
func (g guard) admit(w http.ResponseWriter, r *http.Request) (handled bool, err error) {
	if isAnybody(r.Context()) && !g.knowsHost(r) {
		return false, refuse(http.StatusMisdirectedRequest,
			"this server does not answer to the name %q; call it by a loopback name, or allow the name in its configuration", r.Host)
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false, refuseForeignFetch(r)
	}
	allowed := g.allows(origin)
	if !allowed && !isOwn(origin, r.Host) {
		return false, refuse(http.StatusForbidden,
			"pages of the origin %q may not call this server; allow the origin in its configuration", origin)
	}
	if allowed {
		g.setCORS(w.Header(), r)
	}
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		w.WriteHeader(http.StatusNoContent)
		return true, nil
	}
	return false, nil
}

// refuseForeignFetch refuses what a page of another site has its browser fetch,
// though it names no origin (Fetch Metadata Request Headers, W3C): writes, and
// what it embeds, such as an image, which would hold up a stream. A link that
// somebody follows may lead here, but for the backup, which is work for the daemon
// and everything it has.
func refuseForeignFetch(r *http.Request) error {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		followed := r.Header.Get("Sec-Fetch-Mode")
		if (followed == "" || followed == "navigate") && r.URL.Path != backupPath {
			return nil
		}
		return refuse(http.StatusForbidden, "pages of other sites may not have this fetched")
	case http.MethodOptions:
		return nil
	}
	return refuse(http.StatusForbidden, "pages of other sites may not write here")
}

// knowsHost says whether the Host is one the server may be called by: a name or
// address of loopback, the very address the connection arrived on, one of the
// configuration, or the name for which the client wanted a certificate: a page
// of a foreign name would have needed one for that.
func (g guard) knowsHost(r *http.Request) bool {
	host := hostname(r.Host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(g.hosts, host) {
		return true
	}
	if r.TLS != nil && r.TLS.ServerName != "" && strings.EqualFold(r.TLS.ServerName, host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	if addr.IsLoopback() {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return local != nil && local.AddrPort().Addr().Unmap().WithZone("") == addr
}

// allows says whether the configuration lets pages of the origin in.
func (g guard) allows(origin string) bool {
	return g.anyPage || slices.Contains(g.origins, strings.ToLower(origin))
}

// isOwn says whether the origin is this server itself. The Host was checked.
func isOwn(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host)
}

// hostname strips port, brackets and a final dot off a Host.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// setCORS lets the page read the answer.
func (g guard) setCORS(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Expose-Headers", "Location, Idempotent-Replayed, Retry-After, Allow, WWW-Authenticate, Content-Disposition")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "600")
	}
}

// setSecurityHeaders tells browsers that nothing here is a page, to be framed,
// guessed at, kept or embedded elsewhere.
func setSecurityHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
