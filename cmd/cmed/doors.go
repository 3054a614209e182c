package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/certfile"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi"
)

// doors are the ways to the API, and who holds keys to them.
type doors struct {
	listener    net.Listener
	certificate *certfile.Pair  // nil: no TLS
	socket      *socketListener // nil: none
	keys        *access.Keyring
}

// openFront takes the port, before anything else is touched. Clients that connect
// wait until the server serves.
func (d *daemon) openFront(ctx context.Context) (err error) {
	if d.cfg.isEncrypted() {
		if d.certificate, err = certfile.Load(d.cfg.certFile, d.cfg.certKeyFile, d.log.Named("tls")); err != nil {
			return usagef("--%s: %w", optCert, err)
		}
	}
	d.listener, err = listen(ctx, d.cfg)
	return err
}

// openBack takes the socket and the keys. The store must be open and the state
// folder locked.
func (d *daemon) openBack(ctx context.Context) (err error) {
	if d.keys, err = access.Open(ctx, d.store); err != nil {
		return err
	}
	if err = d.checkKeys(); err != nil {
		return err
	}
	if d.socket, err = listenSocket(ctx, d.cfg.socket); err == nil && d.socket != nil {
		d.log.Info("who can open the socket is an administrator of the API", "file", d.socket.path)
	}
	return err
}

// checkKeys refuses to let other machines in where nobody has a key, unless
// somebody said so.
func (d *daemon) checkKeys() error {
	if d.hasLiveKey() {
		return nil
	}
	return d.checkWithoutKeys(d.keys.Closed())
}

func (d *daemon) hasLiveKey() bool {
	now := time.Now()
	return slices.ContainsFunc(d.keys.Keys(), func(k access.Key) bool { return k.Live(now) })
}

// checkWithoutKeys is checkKeys for when no key opens anything; closed says whether
// one ever did.
func (d *daemon) checkWithoutKeys(closed bool) error {
	switch {
	case d.cfg.insecure || listensLocally(d.listener):
		return nil
	case d.cfg.firstKey && !closed:
		return nil // it is made before anybody is let in
	}
	missing := "no API key has been made yet: start it with --first-key too, which makes one and prints it; " +
		`or start it without --host, make one with "cmed key create", and start it anew. ` +
		"With --insecure, whoever reaches it can run every attack until the first key is made"
	if closed {
		missing = "all its API keys have expired or been revoked: " + noKeyRemedy +
			". --insecure lets nobody in: that ended with the first key that was made"
	}
	return usagef("--host %s lets other machines reach the API, and %s", d.cfg.bindHost, missing)
}

// noKeyRemedy is how one gets in again when every key has ended.
const noKeyRemedy = `start it without --host, make a key with "cmed key create" on this machine, over the daemon's socket, ` +
	"which asks for none, and start it anew"

// makeFirstKey makes the key of --first-key and shows it, this once.
func (d *daemon) makeFirstKey(ctx context.Context, stdout io.Writer) error {
	if !d.cfg.firstKey {
		return nil
	}
	if d.keys.Closed() {
		d.log.Info("--first-key makes none: a key was made before")
		return nil
	}
	k, secret, err := d.keys.Make(ctx, access.NewKey{Name: "first", Role: access.Admin, By: "cmed --first-key"})
	if err != nil {
		return fmt.Errorf("make the first API key: %w", err)
	}
	d.auditor.recordNow(audit.Entry{
		Who: byDaemon, From: fromStart, Action: "create_key", Target: string(k.ID), Detail: fmt.Sprintf("%q, %s", k.Name, k.Role),
	})
	if _, err := fmt.Fprintf(stdout, "The first API key, an administrator's, shown this once only: %s\n", secret); err != nil {
		return fmt.Errorf("show the first API key, which nobody knows now: %w", err)
	}
	return nil
}

// warnOfDoors is loud about doors that stand open.
func (d *daemon) warnOfDoors() {
	if d.cfg.insecure && !d.keys.Closed() {
		d.log.Warn("INSECURE: the API asks nobody for a key, and whoever reaches it can run every attack; " +
			`the first key that is made ends that: "cmed key create"`)
	}
	if d.cfg.insecure && d.keys.Closed() && !d.hasLiveKey() {
		d.log.Warn("--insecure lets nobody in: a key was made once, and all keys have expired or been revoked; " +
			`"cmed key create" on this machine, over the daemon's socket, makes one`)
	}
	if (d.cfg.insecure || d.cfg.insecureTransport) && !d.cfg.isEncrypted() {
		d.log.Warn("INSECURE: the API is served without TLS; keys and all else can be read and changed on their way " +
			"unless something before cmed protects them")
	}
}

// openness says who needs no key until the first one is made.
func (d *daemon) openness() httpapi.Openness {
	switch {
	case d.cfg.insecure:
		return httpapi.OpenToAll
	case listensLocally(d.listener):
		return httpapi.OpenHere
	default:
		return httpapi.Closed
	}
}

// serve lets clients in, at all doors.
func (d *daemon) serve() {
	var encryption *tls.Config
	if d.certificate != nil {
		encryption = d.certificate.Config()
	}
	d.admit(d.listener, encryption)
	if d.socket != nil {
		d.admit(d.socket, nil)
	}
	d.open = true
}

func (d *daemon) admit(ln net.Listener, encryption *tls.Config) {
	d.serving.Go(func() {
		if err := d.server.Serve(ln, encryption); err != nil {
			select {
			case d.serveFailed <- err:
			default: // one is enough to stop
			}
		}
	})
}

// closeUnserved closes the doors that nobody was let in at.
func (d *daemon) closeUnserved() error {
	var errs []error
	if d.listener != nil {
		errs = append(errs, d.listener.Close())
	}
	if d.socket != nil {
		errs = append(errs, d.socket.Close())
	}
	return errors.Join(errs...)
}
