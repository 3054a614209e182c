package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// answerSoon is how long an answer may take before that is told.
	answerSoon = 2 * time.Second
	// callLimit bounds one call: a plan may wait for a place and a planner.
	callLimit = 60 * time.Second
	// dialLimit bounds the connecting.
	dialLimit = 5 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 16 << 20

	base = "/api/1"
)

// Options say which daemon is called, and by whom.
type Options struct {
	// Server is a URL such as http://127.0.0.1:5000, without a scheme one of
	// http, or unix:/path/cmed.sock.
	Server string
	// Agent is how the client calls itself.
	Agent string
	// Key is the API key; "": none.
	Key string
	// Roots are the authorities that may vouch for a server of https; nil: those
	// of the system.
	Roots *x509.CertPool
	// InsecureTransport lets the key go to another machine in the clear.
	InsecureTransport bool
	// Changing, unless it is nil, is called before each request that may change
	// something.
	Changing func()
	// Waiting, unless it is nil, is called once for each request that has had no
	// answer for two seconds, while that is waited for.
	Waiting func()
}

// ErrKeyInTheClear is returned when a key would go to another machine without
// encryption.
var ErrKeyInTheClear = errors.New("the key would go over the network unencrypted")

// Client calls one daemon. It may be used by several goroutines.
type Client struct {
	server  address
	options Options
	http    *http.Client
	// silence is how long a stream may be silent.
	silence time.Duration
}

// New returns a client. The error is ErrKeyInTheClear, or says what is wrong with
// the server's URL.
func New(o Options) (*Client, error) {
	server, err := parseServer(o.Server)
	if err != nil {
		return nil, err
	}
	if o.Key != "" && server.inTheClear() && !o.InsecureTransport {
		return nil, ErrKeyInTheClear
	}
	return &Client{server: server, options: o, silence: silenceLimit, http: &http.Client{
		Transport: &http.Transport{
			Proxy:             server.proxy,
			DialContext:       server.dial,
			TLSClientConfig:   &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true, // calls are few, and nothing is left behind
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Server is where the daemon is called, without a password.
func (c *Client) Server() string { return c.server.String() }

// request is one call.
type request struct {
	method, path string // the path with its query
	body         []byte // JSON; nil: none
	key          string // the Idempotency-Key of a write; "": a new one
	accept       string // "": a document
	lastEvent    string // the Last-Event-ID; "": none
	// patience is how long a stream may take to begin; 0: as long as it may be
	// silent later.
	patience time.Duration
	// answered, unless it is nil, receives when the daemon says it answered.
	answered *time.Time
}

func get(path string) request { return request{method: http.MethodGet, path: path} }

// call makes a request and reads the document of the answer into doc. It returns
// the document as it came.
func (c *Client) call(ctx context.Context, r request, doc any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callLimit, Silence(callLimit))
	defer cancel()
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.brokenOff(ctx, err)
	case !isSuccess(answer):
		return nil, refusalOf(answer, text)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("the answer of %s is longer than %d bytes", c.Server(), maxAnswer)
	}
	if r.answered != nil {
		*r.answered, _ = http.ParseTime(answer.Header.Get("Date")) // zero if that is none
	}
	if err := json.Unmarshal(text, doc); err != nil {
		return nil, fmt.Errorf("the answer of %s is not what cmed answers: %w", c.Server(), err)
	}
	return text, nil
}

func isSuccess(answer *http.Response) bool {
	return answer.StatusCode >= 200 && answer.StatusCode <= 299
}

// send makes a request. What keeps it from an answer is an *Unreachable.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	if r.method != http.MethodGet {
		if c.options.Changing != nil {
			c.options.Changing()
		}
		r.key = cmp.Or(r.key, rand.Text())
	}
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(traced, r.method, c.server.base()+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	for name, value := range map[string]string{
		"User-Agent": c.options.Agent, "Idempotency-Key": r.key, "Last-Event-ID": r.lastEvent,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	req.Header.Set("Accept", "application/hal+json, application/problem+json")
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.options.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.options.Key)
	}
	defer c.awaiting()()
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, &Unreachable{Server: c.Server(), Err: cause(ctx, err), Connected: connected.Load()}
	}
	return answer, nil
}

// awaiting tells that an answer is waited for, until what it returns is called.
func (c *Client) awaiting() (end func()) {
	if c.options.Waiting == nil {
		return func() {}
	}
	told := make(chan struct{})
	soon := time.AfterFunc(answerSoon, func() {
		defer close(told)
		c.options.Waiting()
	})
	return func() {
		if !soon.Stop() {
			<-told
		}
	}
}

func (c *Client) brokenOff(ctx context.Context, err error) error {
	return &Unreachable{
		Server: c.Server(), Err: fmt.Errorf("the answer broke off: %w", cause(ctx, err)), Connected: true,
	}
}

// cause is the error without the URL, which the caller names, and in the words
// of what ended the context.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// decision is who decides something, and why.
type decision struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (d decision) body() ([]byte, error) { return bodyOf(d) }

func bodyOf(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return body, nil
}
