// Command api_request is an attack plugin: it makes one HTTP request.
//
//	{"ref": "api_request:ApiRequest",
//	 "args": {"endpoint": "http://localhost:4500", "method": "GET",
//	          "payload": {"test": "1"}, "headers": {"X-CUSTOM-HEADER": "test"}}}
//
// All args are described in schema.json. These four mean what they meant to the
// Chaos Monkey Engine, which handed them to Python's requests: the payload is
// sent as a form, with GET in the body too, and redirects are followed.
//
// The run fails when no complete answer comes, or with expect_status when
// another status does. Its result document holds the answer: status, headers
// and the first bytes of the body.
//
// The request is sent once, never repeated, and carries the executor's id as
// Idempotency-Key unless the headers have one. Proxies in the environment are
// not used. What a request does at its receiver, and whether it can be taken
// back, this plugin can't know: its effect is irreversible.
//
// A dry run sends nothing. Its result document holds the request as it would be
// sent, without the values of its headers and without its body.
//
// Header values are secrets: the engine never shows them, and where the answer
// repeats one it is replaced. Cookies and credentials that the answer sets are
// replaced too.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// argsSchema is the JSON Schema of Args. It is written by hand, because what
// payload may be depends on body.
//
//go:embed schema.json
var argsSchema []byte

func main() {
	sdk.Serve(sdk.Attack[Args]{
		Info: sdk.Info{
			Ref:         "api_request:ApiRequest",
			Aliases:     []string{"api_request.ApiRequest"},
			Title:       "API request",
			Description: "Makes one HTTP request to any endpoint, with any method, payload and headers.",
			Version:     sdk.Version,
			Effect:      sdk.Irreversible,
			Schema:      argsSchema,
			Example:     example,
			Examples:    []any{jsonExample},
			DryRun:      true,
		},
		Run:     run,
		Targets: targets,
	})
}

// example is the one that the documentation of the Chaos Monkey Engine prints.
var example = Args{
	Endpoint: "http://localhost:4500",
	Method:   "GET",
	Payload:  json.RawMessage(`{"test": "1"}`),
	Headers:  map[string]string{"X-CUSTOM-HEADER": "test"},
}

// jsonExample shows what goes beyond it.
var jsonExample = Args{
	Endpoint:     "https://staging.example.com/api/cache/flush",
	Method:       "POST",
	Payload:      json.RawMessage(`{"zones": ["eu", "us"]}`),
	Body:         "json",
	ExpectStatus: Statuses{200, 202},
}

// targets lists whom a run would call: the endpoint's host.
func targets(_ context.Context, args Args, _ *sdk.TargetsCall) ([]sdk.Target, error) {
	target, err := args.target()
	if err != nil {
		return nil, err
	}
	return []sdk.Target{target}, nil
}

// run makes the request and records the answer, also when the run fails for it.
func run(ctx context.Context, args Args, r *sdk.Run) error {
	target, err := args.target()
	if err != nil {
		return err
	}
	r.Targets(target)
	if r.DryRun() {
		return rehearse(ctx, args, r)
	}
	got, err := send(ctx, args, r.ID())
	if got.Status != 0 {
		r.Log().Info("answered", "host", target.ID, "status", got.Status, "duration_ms", got.DurationMS)
		if resultErr := r.Result(got); resultErr != nil {
			err = errors.Join(err, fmt.Errorf("record the answer: %w", resultErr))
		}
	}
	if err != nil {
		return err
	}
	return args.ExpectStatus.check(got.Status)
}
