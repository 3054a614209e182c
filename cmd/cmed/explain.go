package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// explained is an error in words that a terminal can show, with what to do about
// it.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }

func (e *explained) Unwrap() error { return e.err }

// explain tells the person at the terminal what a call that failed means. What a
// daemon said is made printable. d is the daemon that was called.
func explain(err error, d called, p program) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*explained](err); done {
		return err
	}
	text := printableLines(err.Error())
	if remedy := remedyOf(err, d, p); remedy != "" {
		text += "\n" + remedy
	}
	return &explained{text, err}
}

const (
	wantsKey = "Give a key with --key-file FILE, in " + keyVariable + ", or once for all: cmed context set NAME --server URL --key-file FILE\n" +
		"Make one on the daemon's machine: cmed key create NAME --role operator --server " + anySocket
	wantsMore   = "With a key that may: --key-file FILE, " + keyVariable + " or --context NAME; who you are: cmed status"
	anySocket   = "unix:STATE/cmed.sock"
	wantsServer = "Say where it is with --server or " + serverVariable
	wantsPlain  = "It speaks no TLS: call it by http://"
	wantsTrust  = "Name the authority that vouches for it with --ca-file FILE"
	isMute      = "It may be stopped or overloaded, or no cmed; its log tells"
	diedHere    = "No daemon runs in this folder, and the last one died: start it, or have cmed reap, with its options, " +
		"take back what it left\nIs it another one? " + wantsServer
)

// remedyOf says what to do about an error, "" when nothing is known.
func remedyOf(err error, d called, p program) string {
	if refusal, ok := errors.AsType[*client.Refusal](err); ok {
		switch {
		case refusal.Status == http.StatusUnauthorized:
			return strings.Replace(wantsKey, anySocket, d.socket(p), 1) + d.origins()
		case refusal.Status == http.StatusForbidden && strings.Contains(refusal.Message, "role"):
			return wantsMore + d.origins()
		default:
			return ""
		}
	}
	if _, ok := errors.AsType[*client.Unreachable](err); !ok {
		return ""
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return wantsTrust
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return wantsPlain
	case client.Mute(err):
		return strings.TrimSpace(d.origin() + isMute)
	case untrusted || d.from == serverFlag:
		return strings.TrimSpace(d.origin())
	case d.from == "" && p.socketThere() != "" && p.ownSocket() == "":
		return diedHere
	default:
		return d.origin() + wantsServer
	}
}

// origin says what named the server, unless the call itself did.
func (d called) origin() string {
	switch d.from {
	case serverFlag:
		return ""
	case "":
		if strings.HasPrefix(d.server, "unix:") {
			return "That is the socket of this folder's daemon. "
		}
		return "Nobody named that address. "
	default:
		return "That address is the one of " + printable(d.from) + ". "
	}
}

// origins says what named the key and the server, unless the call itself did.
func (d called) origins() string {
	var said []string
	if d.keyFrom != "" {
		said = append(said, "the key was that of "+printable(d.keyFrom))
	}
	if d.from != "" && d.from != serverFlag {
		said = append(said, "the server is that of "+printable(d.from))
	}
	if len(said) == 0 {
		return ""
	}
	return "\n(" + strings.Join(said, ", ") + ")"
}

// socket is the socket of the daemon that is called, or a word in its place.
func (d called) socket(p program) string {
	if d.isHere(p) {
		return client.Shown(d.server)
	}
	return anySocket
}
