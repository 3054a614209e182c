package docker

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// maxMessage bounds what is shown of what an engine, or something else, said.
const maxMessage = 500

// passedOn is what to know of the environment of an attack.
const passedOn = "the daemon passes DOCKER_HOST on to an attack only where --plugin-env grants it, as it does by default"

func quoted(s string) string { return strconv.Quote(s) }

// unconfigured is what is wrong before an engine was asked.
func unconfigured(message, remedy string) error {
	return &compute.Error{Kind: compute.ErrUnconfigured, Operation: "docker", Message: message, Remedy: remedy}
}

// failed explains why a call that was allowed to take so long failed. The ctx is
// the caller's, without that bound.
func (d *driver) failed(ctx context.Context, operation string, bound time.Duration, err error) error {
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		return &compute.Error{Operation: operation, Message: "stopped before the engine answered: " + cause.Error(), Err: cause}
	}
	if unreached, ok := errors.AsType[*connectionError](err); ok {
		return d.unreached(operation, unreached.cause)
	}
	at := d.address.String()
	e := &compute.Error{Operation: operation, Message: said(err), Err: err}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = compute.ErrUnreachable
		e.Message = "no answer from " + at + " within " + bound.String()
		e.Remedy = "see whether the engine there works: docker -H " + at + " info"
	case cerrdefs.IsConflict(err):
		e.Kind = compute.ErrBadState
	case cerrdefs.IsUnauthorized(err), cerrdefs.IsPermissionDenied(err):
		e.Kind = compute.ErrNotAllowed
		e.Remedy = "what listens at " + at + " must allow this call"
	case cerrdefs.IsUnavailable(err):
		e.Kind = compute.ErrUnreachable
		e.Remedy = "see whether the engine at " + at + " works"
	case cerrdefs.IsInternal(err):
		e.Remedy = "look into the log of the engine at " + at
	case !cerrdefs.IsNotFound(err) && !cerrdefs.IsInvalidArgument(err):
		return d.notAnEngine(operation, err)
	case !d.isEngine(ctx):
		return d.notAnEngine(operation, err)
	case cerrdefs.IsNotFound(err):
		e.Kind = compute.ErrNotFound
	}
	return e
}

// isEngine reports whether an engine answers. What isn't one says "not found" to
// anything, and a container must not be taken for gone because of that.
func (d *driver) isEngine(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, compute.Allowance(ctx, d.call))
	defer cancel()
	pong, err := d.engine.Ping(ctx, client.PingOptions{})
	return err == nil && pong.APIVersion != ""
}

func (d *driver) notAnEngine(operation string, err error) error {
	return &compute.Error{
		Kind: compute.ErrUnreachable, Operation: operation,
		Message: "the answer of " + d.address.String() + " can't be understood: " + said(err),
		Remedy:  "see whether DOCKER_HOST is the address of a Docker Engine", Err: err,
	}
}

// unreached says why there was no answer, and what to do.
func (d *driver) unreached(operation string, cause error) error {
	at := d.address.String()
	e := &compute.Error{Kind: compute.ErrUnreachable, Operation: operation, Err: cause}
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(cause, fs.ErrPermission):
		e.Kind = compute.ErrNotAllowed
		e.Message = "this user may not use the socket " + at
		e.Remedy = "add the user that the attack runs as to the group docker (which makes it as good as root) " +
			"and start the daemon in a new session"
	case errors.Is(cause, fs.ErrNotExist) && d.address.usual:
		e.Kind = compute.ErrUnconfigured
		e.Message = "there is no Docker Engine at the usual " + at + ", and DOCKER_HOST is not set"
		e.Remedy = "start dockerd, or set DOCKER_HOST to where it listens; " + passedOn
	case errors.Is(cause, fs.ErrNotExist):
		e.Message = "there is no socket " + at
		e.Remedy = "see whether dockerd is running and whether DOCKER_HOST is right"
	case errors.Is(cause, syscall.ECONNREFUSED):
		e.Message = "nobody listens at " + at
		e.Remedy = "see whether dockerd is running: systemctl status docker"
	case errors.As(cause, &authority):
		e.Message = "the certificate of " + at + " is from an unknown authority"
		e.Remedy = "ca.pem in DOCKER_CERT_PATH must be the one that signed it"
	default:
		e.Message = "no answer from " + at + ": " + said(cause)
		e.Remedy = "see whether dockerd is running and whether DOCKER_HOST is right"
	}
	return e
}

// said is an error's text in one line of bounded length, without what the client
// puts before each.
func said(err error) string {
	text := strings.TrimPrefix(err.Error(), "Error response from daemon: ")
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
