package ec2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// call makes one call of the API, with its retries and within its bound, and
// explains what goes wrong with it as a *compute.Error.
func call[In, Out any](ctx context.Context, d *driver, name string, do operation[In, Out], in In) (Out, error) {
	var nothing Out
	bound := compute.Allowance(ctx, d.bounds.call)
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	credentials, err := d.signer(bounded)
	if err != nil {
		return nothing, err
	}
	a := &attempts{operation: name, log: d.log, credentials: credentials}
	out, err := do(bounded, in, a.watch)
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		cause := context.Cause(ctx)
		return nothing, &compute.Error{
			Operation: name, Err: cause,
			Message: fmt.Sprintf("ended without an answer of %s%s: %s", a.endpoint(), a.times(), cause),
		}
	case bounded.Err() != nil && a.failure != nil:
		err = a.failure // rather than that the bound was reached while waiting to try again
	}
	if bounded.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return nothing, &compute.Error{
			Kind: compute.ErrUnreachable, Operation: name, Err: err,
			Message: fmt.Sprintf("%s gave no answer within %s%s", a.endpoint(), bound, a.times()),
			Remedy:  remedyUnreachable,
		}
	}
	return nothing, a.explained(err)
}

// attempts watches those of one call: how many there were, who was asked, and
// what came back. The SDK makes them one after the other.
type attempts struct {
	operation   string
	log         *slog.Logger
	credentials aws.Credentials
	count       int
	host        string
	failure     error // of the latest attempt
}

// watch puts it where each attempt passes: around all of it, and right before
// the wire.
func (a *attempts) watch(stack *middleware.Stack) error {
	around := middleware.FinalizeMiddlewareFunc("WatchAttempt", a.around)
	if err := stack.Finalize.Insert(around, "Retry", middleware.After); err != nil {
		return err
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("CheckAnswer", a.check), middleware.After)
}

func (a *attempts) around(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	if a.count > 0 {
		last := a.explained(a.failure)
		a.log.InfoContext(ctx, "trying again", "operation", a.operation, "endpoint", a.host, "attempt", a.count+1,
			"code", last.Code, "reason", last.Message)
	}
	a.count++
	out, metadata, err := next.HandleFinalize(ctx, in)
	a.failure = err
	return out, metadata, err
}

// check reads the answer to its end while the attempt's bound holds, and refuses
// one that isn't EC2's. The SDK takes an empty body for an empty list and the
// page of a proxy too, and of a reboot's answer it reads nothing; who wasn't
// listed for that reason wouldn't be excluded either.
func (a *attempts) check(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	if request, ok := in.Request.(*smithyhttp.Request); ok {
		a.host = request.URL.Host
	}
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok {
		return out, metadata, err
	}
	body, err := readAnswer(response.Body, maxAnswer)
	_ = response.Body.Close() // it has been read, or is of no use
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err == nil && response.StatusCode/100 == 2 {
		err = checkAnswer(body, a.operation)
	}
	return out, metadata, err
}

// endpoint names who was asked.
func (a *attempts) endpoint() string {
	if a.host == "" {
		return "EC2"
	}
	return a.host
}

func (a *attempts) times() string {
	if a.count < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d tries)", a.count)
}
