package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// rehearsal is the result document of a dry run: the request that was not sent.
type rehearsal struct {
	DryRun bool   `json:"dry_run"` // always true
	Method string `json:"method"`
	URL    string `json:"url"`
	// Headers are the names of all that are set, sorted. Those that belong to
	// the connection, as Content-Length does, are not among them.
	Headers   []string `json:"headers"`
	BodyBytes int64    `json:"body_bytes"`
}

// rehearse does all that a run does but send: it fails where the request or the
// client for it can't be made, and reports the request.
func rehearse(ctx context.Context, args Args, r *sdk.Run) error {
	request, err := args.request(ctx, r.ID())
	if err != nil {
		return err
	}
	if _, err := args.client(); err != nil {
		return err
	}
	would := rehearsal{
		DryRun: true, Method: request.Method, URL: request.URL.String(),
		Headers: slices.Sorted(maps.Keys(request.Header)), BodyBytes: request.ContentLength,
	}
	r.Log().Info("dry run: the request is not sent", "method", would.Method, "url", would.URL,
		"headers", would.Headers, "body_bytes", would.BodyBytes)
	if err := r.Result(would); err != nil {
		return fmt.Errorf("record the request: %w", err)
	}
	return nil
}
