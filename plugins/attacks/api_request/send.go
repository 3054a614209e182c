package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// userAgent is sent unless the headers have one.
const userAgent = "cmed-api_request/" + sdk.Version

// maxRedirects is how many redirects of one request are followed.
const maxRedirects = 10

// maxHeaderBytes bounds the headers of an answer, which are kept whole.
const maxHeaderBytes = 64 << 10

// send makes the request once, with the idempotency key given, and reads the
// answer. It blocks until the answer is complete, for as long as the args'
// timeout at most; when ctx ends, the request is aborted and the error wraps the
// context's cause. An answer that broke off comes back with the error; one
// without a status means that there is none.
func send(ctx context.Context, args Args, key string) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, args.timeout(), fmt.Errorf("no complete answer within %s", args.timeout()))
	defer cancel()
	request, err := args.request(ctx, key)
	if err != nil {
		return answer{}, err
	}
	client, err := args.client()
	if err != nil {
		return answer{}, err
	}
	begun := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return answer{}, args.failure(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it matters
	got, err := readAnswer(response, secretsIn(args.Headers))
	got.DurationMS = time.Since(begun).Milliseconds()
	if err != nil {
		return got, args.failure(ctx, err)
	}
	return got, nil
}

// request builds the request.
func (a Args) request(ctx context.Context, key string) (*http.Request, error) {
	body, contentType, err := a.content()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, a.method(), a.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, sdk.Invalid("/endpoint", "the request can't be made: %v", err)
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Idempotency-Key", key)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Headers)) {
		request.Header.Set(name, a.Headers[name])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host // net/http takes it from here only
	}
	return request, nil
}

// client builds a client for one request. Its connections are not kept alive:
// net/http repeats a request with an Idempotency-Key by itself when a kept
// connection breaks, and an attack happens at most once.
func (a Args) client() (*http.Client, error) {
	roots, err := a.TLS.roots()
	if err != nil {
		return nil, err
	}
	return &http.Client{
		CheckRedirect: a.redirect,
		Transport: &http.Transport{
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeaderBytes,
			TLSClientConfig: &tls.Config{
				MinVersion:         tls.VersionTLS12,
				RootCAs:            roots,
				ServerName:         a.TLS.ServerName,
				InsecureSkipVerify: a.TLS.InsecureSkipVerify, //nolint:gosec // asked for in the plan
			},
		},
	}, nil
}

// roots returns the authorities to trust, nil for the system's alone.
func (t TLS) roots() (*x509.CertPool, error) {
	if t.CAPEM == "" {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM([]byte(t.CAPEM)) {
		return nil, sdk.Invalid("/tls/ca_pem", "ca_pem has no certificate that can be read")
	}
	return roots, nil
}

// redirect decides on one redirect: whether it is followed, and which headers
// go along. Tokens stand in headers of many names, so none of those given in
// the args reaches another host or an unencrypted connection.
func (a Args) redirect(next *http.Request, via []*http.Request) error {
	if a.FollowRedirects != nil && !*a.FollowRedirects {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("gave up after %d redirects", maxRedirects)
	}
	first := via[0].URL
	if next.URL.Hostname() == first.Hostname() && (next.URL.Scheme == "https" || first.Scheme == "http") {
		return nil
	}
	for name := range a.Headers {
		if http.CanonicalHeaderKey(name) != "Content-Type" {
			next.Header.Del(name)
		}
	}
	return nil
}

// failure says why there is no complete answer. If ctx has ended, that is why.
func (a Args) failure(ctx context.Context, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the URL, which may be another than the endpoint
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%s %s: %w", a.method(), a.Endpoint, err)
}
