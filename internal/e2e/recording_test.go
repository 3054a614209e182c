package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// What is kept of the exchanges between tests and daemons: enough to hold all of
// them to the description of the API when the tests are over. That there is no room
// for one fails the tests.
const (
	maxRecorded     = 256 << 20 // bytes, in all
	maxRecordedBody = 16 << 20  // bytes, of one body
)

// exchanged is what tests and daemons have said to each other.
var exchanged recording

// exchange is a request and its answer.
type exchange struct {
	method, path, query string
	sent, got           http.Header
	body, answer        []byte
	status              int
	description         *description
}

func (e exchange) String() string {
	path := e.path
	if e.query != "" {
		path += "?" + e.query
	}
	return fmt.Sprintf("%s %.200s: %d", e.method, path, e.status)
}

// description is what a daemon said that its API was.
type description struct {
	text []byte
	refs []string // of attacks and planners, with their aliases
}

// recording keeps exchanges, each once however often it happened.
type recording struct {
	mu           sync.Mutex
	exchanges    []exchange
	seen         map[[sha256.Size]byte]bool
	descriptions map[[sha256.Size]byte]*description
	size         int
	left         map[string]int // how many there was no room for, by what they were
}

func (r *recording) add(e exchange) {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %s?%s %d %q %p\n", e.method, e.path, e.query, e.status, e.got.Values("Content-Type"), e.description)
	_, _ = h.Write(e.body)
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(e.answer)
	key := [sha256.Size]byte(h.Sum(nil))
	r.mu.Lock()
	defer r.mu.Unlock()
	size := len(e.body) + len(e.answer) + 1<<10
	switch {
	case r.seen[key]:
		return
	case r.size+size > maxRecorded || len(e.answer) > maxRecordedBody || len(e.body) > maxRecordedBody:
		if r.left == nil {
			r.left = map[string]int{}
		}
		r.left[fmt.Sprintf("%s, %d and %d bytes", e, len(e.body), len(e.answer))]++
		return
	case r.seen == nil:
		r.seen = map[[sha256.Size]byte]bool{}
	}
	r.seen[key] = true
	r.size += size
	r.exchanges = append(r.exchanges, e)
}

// described keeps a description, each text once.
func (r *recording) described(text []byte) *description {
	key := sha256.Sum256(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.descriptions[key]; d != nil {
		return d
	}
	if r.descriptions == nil {
		r.descriptions = map[[sha256.Size]byte]*description{}
	}
	d := &description{text: text, refs: refsIn(text)}
	r.descriptions[key] = d
	return d
}

// refsIn are the refs that a description speaks of.
func refsIn(text []byte) []string {
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Discriminator struct {
					Mapping map[string]string `json:"mapping"`
				} `json:"discriminator"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil // its validator will say so
	}
	var refs []string
	for _, name := range []string{"AttackConfig", "PlannerConfig"} {
		for ref := range doc.Components.Schemas[name].Discriminator.Mapping {
			refs = append(refs, ref)
		}
	}
	return refs
}

// recorder is a transport that records what passes through it to one daemon. It
// asks the daemon for its description first, and again when a plan was made with
// a plugin that this does not know.
type recorder struct {
	http.RoundTripper
	base string

	mu          sync.Mutex
	asked       map[string]bool // by what was shown as a key
	description map[string]*description
}

func newRecorder(base string, through http.RoundTripper) *recorder {
	return &recorder{RoundTripper: through, base: base, asked: map[string]bool{}, description: map[string]*description{}}
}

// RoundTrip makes the call. What was exchanged is recorded when the answer was
// read to its end, or closed.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchange{method: req.Method, path: req.URL.EscapedPath(), query: req.URL.RawQuery, sent: req.Header.Clone()}
	known := r.describe("") // a wrong key shown once more would count as one
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		if e.body, err = io.ReadAll(body); err != nil {
			return nil, err
		}
	}
	resp, err := r.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	e.status, e.got, e.description = resp.StatusCode, resp.Header.Clone(), known
	if resp.StatusCode == http.StatusOK && e.method == http.MethodPost && e.path == "/api/1/plans/" {
		e.description = r.describing(e.body, req.Header.Get("Authorization"))
	}
	resp.Body = &recordedBody{ReadCloser: resp.Body, exchange: e}
	return resp, nil
}

// knows says whether the refs of a plan are among those described. A document of
// somebody who may not see the plugins knows none.
func (d *description) knows(plan []byte) bool {
	var body struct{ Attack, Planner struct{ Ref string } }
	if json.Unmarshal(plan, &body) != nil || len(d.refs) == 0 {
		return true
	}
	return slices.Contains(d.refs, body.Attack.Ref) && slices.Contains(d.refs, body.Planner.Ref)
}

// describing returns a description that knows the plugins of a plan which was
// made with the key, if the daemon has one.
func (r *recorder) describing(plan []byte, key string) *description {
	if d := r.describe(key); d != nil && d.knows(plan) {
		return d
	}
	return r.ask(key)
}

// describe returns the daemon's description, as far as it is known.
func (r *recorder) describe(key string) *description {
	r.mu.Lock()
	asked, known := r.asked[key], r.description[key]
	r.asked[key] = true
	r.mu.Unlock()
	if asked {
		return known
	}
	return r.ask(key)
}

// ask asks the daemon for its description. One that is about to end need not
// answer: then the last one that is known is the one.
func (r *recorder) ask(key string) *description {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text, err := r.read(ctx, key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.description[key] = exchanged.described(text)
	}
	return r.description[key]
}

func (r *recorder) read(ctx context.Context, key string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/api/1/openapi.json", nil)
	if err != nil {
		return nil, err
	}
	if key != "" {
		req.Header.Set("Authorization", key)
	}
	resp, err := r.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return io.ReadAll(resp.Body)
}

// recordedBody keeps what is read of an answer.
type recordedBody struct {
	io.ReadCloser
	once     sync.Once
	mu       sync.Mutex
	text     bytes.Buffer
	exchange exchange
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	if b.text.Len() <= maxRecordedBody {
		b.text.Write(p[:n])
	}
	b.mu.Unlock()
	if err == io.EOF {
		b.finish(true)
	} else if err != nil {
		b.finish(false)
	}
	return n, err
}

// Close ends the reading. What of a stream was read is recorded; half of a
// document is not.
func (b *recordedBody) Close() error {
	b.finish(strings.HasPrefix(b.exchange.got.Get("Content-Type"), "text/event-stream"))
	return b.ReadCloser.Close()
}

func (b *recordedBody) finish(keep bool) {
	b.once.Do(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.exchange.answer = b.text.Bytes(); keep && b.exchange.description != nil {
			exchanged.add(b.exchange)
		}
	})
}
