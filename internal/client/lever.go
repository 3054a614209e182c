package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
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
}

// Stop is how the last engaging went. Times are in milliseconds, 0 when that is
// not reached yet.
type Stop struct {
	Runs   int     `json:"runs"`
	Gone   float64 `json:"gone_ms"`
	Undone float64 `json:"undone_ms"`
}

const haltPath = base + "/halt"

// Halt engages the lever.
func (c *Client) Halt(ctx context.Context, by, reason string) (Lever, error) {
	body, err := decision{by, reason}.body()
	if err != nil {
		return Lever{}, err
	}
	return c.lever(ctx, request{method: http.MethodPut, path: haltPath, body: body})
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
	l.Raw, err = c.call(ctx, r, &l)
	return l, err
}
