package dockertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// wire speaks plain HTTP with an engine.
type wire struct{ client *http.Client }

// wireTo returns the wire to an address such as unix:///run/docker.sock. Every
// request is a connection of its own, so that none is left.
func wireTo(host string) wire {
	network, at, _ := strings.Cut(host, "://")
	var dialer net.Dialer
	return wire{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, at)
		},
	}}}
}

// statusError is an answer that says no.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.text) }

// do sends a request with a body, which is sent as it is if it is a reader and
// as JSON else, and reads the answer, which is JSON, into answer unless it is
// nil.
func (w wire) do(ctx context.Context, method, path string, body, answer any) error {
	text, err := w.fetch(ctx, method, path, body)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

// fetch is do for answers that are not JSON.
func (w wire) fetch(ctx context.Context, method, path string, body any) ([]byte, error) {
	content, sent := "application/json", io.Reader(http.NoBody)
	switch body := body.(type) {
	case nil:
	case io.Reader:
		content, sent = "application/x-tar", body
	default:
		doc, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(doc)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, sent)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", content)
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, &statusError{response.StatusCode, strings.TrimSpace(string(text))}
	}
	return text, nil
}
