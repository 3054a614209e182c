package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Lever is the halt switch of the daemon. What is not known is zero.
type Lever struct {
	Raw json.RawMessage `json:"-"` // the document

	Engaged  bool     `json:"engaged"`
	By       string   `json:"by"`
	Reason   string   `json:"reason"`
	At       string   `json:"at"`
	Durable  bool     `json:"durable"`
	HaltFile string   `json:"halt_file"`
	Stopping int      `json:"stopping"`
	Undoing  int      `json:"undoing"`
	Stop     *Stop    `json:"stop"`
	Warnings []string `json:"_warnings"`
	// Already says, after Halt, that the lever had been engaged before.
	Already bool `json:"-"`

	answered time.Time // by the daemon's clock; zero when it did not say
}

// Stop is how the last engaging went. Times are in milliseconds, 0 when that is
// not reached yet.
type Stop struct {
	Runs   int     `json:"runs"`
	Gone   float64 `json:"gone_ms"`
	Undone float64 `json:"undone_ms"`
	// NotUndone counts the records whose undo failed or was given up.
	NotUndone int `json:"not_undone"`
}

const haltPath = base + "/halt"

// Halt engages the lever.
func (c *Client) Halt(ctx context.Context, by, reason string) (Lever, error) {
	body, err := decision{by, reason}.body()
	if err != nil {
		return Lever{}, err
	}
	called := time.Now()
	l, err := c.lever(ctx, request{method: http.MethodPut, path: haltPath, body: body})
	l.Already = l.olderThan(time.Since(called))
	return l, err
}

// engagedAlready begins the warning about a lever that somebody else engaged.
const engagedAlready = "the lever was engaged already"

// olderThan says whether the lever was engaged before the call that took so
// long: the daemon says it, its stop took longer than the call, or it is older
// by the daemon's clock. What the same person does twice within a second may
// pass for once.
func (l Lever) olderThan(call time.Duration) bool {
	if slices.ContainsFunc(l.Warnings, func(w string) bool { return strings.HasPrefix(w, engagedAlready) }) {
		return true
	}
	ms := float64(call) / float64(time.Millisecond)
	if l.Stop != nil && max(l.Stop.Gone, l.Stop.Undone) > ms {
		return true
	}
	at, err := time.Parse(time.RFC3339, l.At)
	// The time of the answer has no fractions, so this is too little at most.
	return err == nil && !l.answered.IsZero() && l.answered.Sub(at) > call
}

// Lever returns the lever as it is.
func (c *Client) Lever(ctx context.Context) (Lever, error) {
	return c.lever(ctx, request{method: http.MethodGet, path: haltPath})
}

// Release lets executors start again.
func (c *Client) Release(ctx context.Context, by string) (Lever, error) {
	return c.lever(ctx, request{method: http.MethodDelete, path: haltPath + "?by=" + url.QueryEscape(by)})
}

func (c *Client) lever(ctx context.Context, r request) (l Lever, err error) {
	r.answered = &l.answered
	l.Raw, err = c.call(ctx, r, &l)
	return l, err
}
