package docker

import (
	"context"
	"io"
	"net"
	"net/http"
)

// maxAnswer bounds what is read of an answer: more than 10,000 containers, and
// little enough for what isn't an engine and sends without end.
const maxAnswer = 64 << 20

// transport carries the calls of one engine, each on a connection of its own: a
// driver is short-lived and has no end at which idle ones could be closed.
type transport struct {
	base  *http.Transport
	limit int64 // of an answer, in bytes
}

func newTransport(a address) *transport {
	base := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	var dialer net.Dialer
	if a.network == "unix" {
		base.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", a.at)
		}
	} else {
		base.DialContext = dialer.DialContext
		base.Proxy = http.ProxyFromEnvironment
	}
	return &transport{base: base, limit: maxAnswer}
}

// RoundTrip sends a request and bounds the answer.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.base.RoundTrip(request)
	switch {
	case err == nil:
	case request.Context().Err() != nil:
		return nil, request.Context().Err()
	default:
		return nil, &connectionError{err}
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, t.limit), response.Body}
	return response, nil
}

// connectionError is why there was no answer. The client puts texts of its own
// in the place of the causes that it recognizes, so this one shows it none: it
// has no Unwrap and its text says nothing.
type connectionError struct{ cause error }

func (*connectionError) Error() string { return "no answer" }
