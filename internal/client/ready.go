package client

import (
	"context"
	"encoding/json"
)

// Readiness is what a daemon that is ready says of itself.
type Readiness struct {
	Raw json.RawMessage `json:"-"` // the document

	Status   string   `json:"status"`
	Lever    string   `json:"lever"`    // "engaged", or ""
	Warnings []string `json:"warnings"` // what is not well though it works
}

func (r *Readiness) keep(raw json.RawMessage) { r.Raw = raw }

// Ready asks whether the daemon is at work and can write its store. The error is a
// Refusal of status 503 when it is not. It needs no key; without one the daemon
// does not say why.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	return one[Readiness](ctx, c, get("/readyz"))
}
