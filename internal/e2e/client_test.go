package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// client calls a daemon.
type client struct {
	base string // "http://127.0.0.1:5000"
	http *http.Client
}

// newClient returns a client that trusts these authorities, or with nil those of
// the system.
func newClient(base string, trusted *x509.CertPool) client {
	return client{base: base, http: &http.Client{
		Timeout: patience,
		Transport: newRecorder(base, &http.Transport{
			Proxy: nil, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Second,
			TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// as returns a client that shows a key.
func (c client) as(key string) client {
	shown := *c.http
	shown.Transport = bearer{key, c.http.Transport}
	return client{c.base, &shown}
}

// document is a JSON object that came as an answer.
type document map[string]any

// members lists the names of the document's members, sorted.
func (d document) members() string {
	return strings.Join(slices.Sorted(maps.Keys(d)), " ")
}

// at follows a path of members, separated by slashes; nil when it breaks off.
func (d document) at(path string) any {
	var v any = map[string]any(d)
	for name := range strings.SplitSeq(path, "/") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// list is the list of documents at a path.
func (d document) list(path string) []document {
	items, _ := d.at(path).([]any)
	list := make([]document, len(items))
	for i, item := range items {
		object, _ := item.(map[string]any)
		list[i] = object
	}
	return list
}

// text is the string at a path, "" for anything else.
func (d document) text(path string) string {
	s, _ := d.at(path).(string)
	return s
}

// request is one call. A body that is a string is sent as it is, anything else
// but nil as JSON.
type request struct {
	method, path string
	body         any
	header       map[string]string // "" removes a header
	host         string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// doc reads the answer as a JSON object.
func (a answer) doc(t testing.TB) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("the answer %d is not a JSON object: %v: %.1000s", a.status, err, a.body)
	}
	return d
}

// send makes a call.
func (c client) send(t testing.TB, r request) answer {
	t.Helper()
	a, err := c.try(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	return a
}

// try makes a call; it may be used in any goroutine.
func (c client) try(r request) (answer, error) {
	body, err := encode(r.body)
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequest(r.method, c.base+r.path, body)
	if err != nil {
		return answer{}, err
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
		if value == "" {
			req.Header.Del(name)
		}
	}
	if r.host != "" {
		req.Host = r.host
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, text}, err
}

func encode(body any) (io.Reader, error) {
	switch body := body.(type) {
	case nil:
		return http.NoBody, nil
	case string:
		return strings.NewReader(body), nil
	default:
		text, err := json.Marshal(body)
		return bytes.NewReader(text), err
	}
}

// expect makes a call whose answer must have the status, and be HAL.
func (c client) expect(t testing.TB, status int, r request) document {
	t.Helper()
	a := c.send(t, r)
	if a.status != status {
		t.Fatalf("%s %s: status %d, want %d: %.2000s", r.method, r.path, a.status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/hal+json" {
		t.Errorf("%s %s: content type %q", r.method, r.path, got)
	}
	return a.doc(t)
}

func (c client) get(t testing.TB, path string) document {
	t.Helper()
	return c.expect(t, http.StatusOK, request{method: http.MethodGet, path: path})
}

func (c client) post(t testing.TB, path string, body any, status int) document {
	t.Helper()
	return c.expect(t, status, request{method: http.MethodPost, path: path, body: body})
}

func (c client) put(t testing.TB, path string, body any, status int) document {
	t.Helper()
	return c.expect(t, status, request{method: http.MethodPut, path: path, body: body})
}

func (c client) delete(t testing.TB, path string, status int) document {
	t.Helper()
	return c.expect(t, status, request{method: http.MethodDelete, path: path})
}

// log returns an executor's log as text.
func (c client) log(t testing.TB, id string) string {
	t.Helper()
	return string(c.send(t, request{method: http.MethodGet, path: "/api/1/executors/" + id + "/log"}).body)
}
