package client

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
)

// address is where a daemon is called: a URL, or a unix socket.
type address struct {
	url    *url.URL
	socket string // the path; "": none
}

// socketScheme begins the address of a unix socket.
const socketScheme = "unix:"

func parseServer(server string) (address, error) {
	if path, ok := strings.CutPrefix(server, socketScheme); ok {
		if !filepath.IsAbs(path) {
			return address{}, fmt.Errorf("%q is no absolute path of a socket, such as unix:/path/cmed.sock", server)
		}
		// The name by which it is called is one that every daemon answers to.
		return address{url: &url.URL{Scheme: "http", Host: "localhost"}, socket: filepath.Clean(path)}, nil
	}
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return address{}, fmt.Errorf("%q is not a URL such as http://127.0.0.1:5000", withoutUser(server))
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return address{url: u}, nil
}

// Shown is the address of a server without its password, for people to see.
func Shown(server string) string {
	a, err := parseServer(server)
	if err != nil {
		return withoutUser(server)
	}
	return a.String()
}

// withoutUser is the text of a URL, which may be none, without a password.
func withoutUser(server string) string {
	scheme, rest, _ := strings.Cut(server, "://")
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

// String is the address without a password.
func (a address) String() string {
	if a.socket != "" {
		return socketScheme + a.socket
	}
	return a.url.Redacted()
}

// base is what the paths of requests are put behind.
func (a address) base() string { return a.url.String() }

// inTheClear says whether others may read what is sent.
func (a address) inTheClear() bool {
	if a.socket != "" || a.url.Scheme == "https" {
		return false
	}
	host := a.url.Hostname()
	if host == "localhost" { // names below it are looked up like any other
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.Unmap().IsLoopback()
}

func (a address) proxy(r *http.Request) (*url.URL, error) {
	if a.socket != "" {
		return nil, nil //nolint:nilnil // no proxy
	}
	return http.ProxyFromEnvironment(r)
}

func (a address) dial(ctx context.Context, network, host string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	if a.socket != "" {
		return dialSocket(ctx, a.socket)
	}
	return new(net.Dialer).DialContext(ctx, network, host)
}

// Answers says whether somebody listens at a unix socket. It blocks until ctx ends.
func Answers(ctx context.Context, path string) bool {
	conn, err := dialSocket(ctx, path)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// maxSocket is the longest path of a unix socket that the kernel takes, in bytes
// (unix(7)); elsewhere than on Linux it is a little less.
const maxSocket = 107

// dialSocket connects to a unix socket, whatever the length of its path.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	if len(path) > maxSocket {
		short, release, err := shortened(path)
		if err != nil {
			return nil, err
		}
		defer release()
		path = short
	}
	return new(net.Dialer).DialContext(ctx, "unix", path)
}
