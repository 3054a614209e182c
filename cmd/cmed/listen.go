package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// listen takes the address, so that a taken port is known before anything else
// is touched. Clients that connect wait until the server serves.
func listen(ctx context.Context, cfg *config) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, network(cfg.bindHost), cfg.address())
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &exitError{exitInUse, fmt.Errorf("port %d is in use, perhaps by another cmed: "+
			"stop that one, or take another port with --port or CMED_PORT", cfg.port)}
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on port %d: take one above 1023 with --port", cfg.port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, usagef("--host %s is not an address of this machine", cfg.bindHost)
	case err != nil:
		return nil, fmt.Errorf("listen: %w", err)
	}
	if !listensLocally(ln) {
		if err := cfg.checkTransport(fmt.Sprintf("--host %s, which is %s,", cfg.bindHost, ln.Addr())); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
	}
	return ln, nil
}

// network keeps 0.0.0.0 from meaning every IPv6 address too, as it does for Go.
func network(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
		return "tcp4"
	}
	return "tcp"
}

// listensLocally says whether only this machine can reach ln. A name such as
// localhost can mean any address.
func listensLocally(ln net.Listener) bool {
	addr, ok := ln.Addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// reach says of the ready line's address that it is one of all.
func reach(ln net.Listener) string {
	if addr, ok := ln.Addr().(*net.TCPAddr); ok && addr.IP.IsUnspecified() {
		return " on all addresses"
	}
	return ""
}

// baseURL is where a client on this machine reaches ln.
func baseURL(ln net.Listener, encrypted bool) string {
	scheme := "http://"
	if encrypted {
		scheme = "https://"
	}
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return scheme + ln.Addr().String() + "/"
	}
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1" // every address, this one too
		if addr.IP.To4() == nil {
			host = "::1"
		}
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(addr.Port)) + "/"
}
