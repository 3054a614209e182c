package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// callLimit bounds one call: a plan may wait for a place and a planner.
	callLimit = 60 * time.Second
	// dialLimit bounds the connecting.
	dialLimit = 5 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 16 << 20

	base = "/api/1"
)

// Client calls one daemon. It may be used by several goroutines.
type Client struct {
	server *url.URL
	agent  string
	http   *http.Client
}

// New returns a client of the daemon at a URL such as http://127.0.0.1:5000; one
// without a scheme is of http. agent is how the client calls itself.
func New(server, agent string) (*Client, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not a URL such as http://127.0.0.1:5000", withoutUser(server))
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return &Client{server: u, agent: agent, http: &http.Client{
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			DialContext:       (&net.Dialer{Timeout: dialLimit}).DialContext,
			DisableKeepAlives: true, // calls are few, and nothing is left behind
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// withoutUser is the text of a URL, which may be none, without a password.
func withoutUser(server string) string {
	scheme, rest, _ := strings.Cut(server, "://")
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

// Server is where the daemon is called, without a password.
func (c *Client) Server() string { return c.server.Redacted() }

// request is one call.
type request struct {
	method, path string // the path with its query
	body         []byte // JSON; nil: none
	key          string // the Idempotency-Key; "": none
	// answered, unless it is nil, receives when the daemon says it answered.
	answered *time.Time
}

// call makes a request and reads the document of the answer into doc. It returns
// the document as it came.
func (c *Client) call(ctx context.Context, r request, doc any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callLimit, fmt.Errorf("no answer within %s", callLimit))
	defer cancel()
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, &Unreachable{Server: c.Server(), Err: cause(ctx, err)}
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &Unreachable{Server: c.Server(), Err: fmt.Errorf("the answer broke off: %w", cause(ctx, err))}
	case answer.StatusCode < 200 || answer.StatusCode > 299:
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

func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.server.String()+r.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/hal+json, application/problem+json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	return c.http.Do(req)
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

func (d decision) body() ([]byte, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return body, nil
}
