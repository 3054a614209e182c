package ec2

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// maxText is how much of what a server says is shown, in bytes.
const maxText = 400

// unknownError is the SDK's code for an error answer in which it finds none.
const unknownError = "UnknownError"

// explained makes a *compute.Error of what an attempt or a call ended with.
func (a *attempts) explained(err error) *compute.Error {
	e := &compute.Error{Operation: a.operation, Err: err}
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() != unknownError {
		a.explainRefusal(e, refused)
		return e
	}
	e.Kind, e.Remedy = compute.ErrUnreachable, remedyUnreachable
	var (
		foreign *foreignError
		unread  *smithy.DeserializationError
		answer  *smithyhttp.ResponseError
		noHost  *net.DNSError
	)
	switch {
	case errors.As(err, &foreign):
		e.Message = fmt.Sprintf("%s gave %s", a.endpoint(), foreign.what)
		e.Remedy = remedyForeign
	case errors.As(err, &unread):
		e.Message = fmt.Sprintf("%s gave an answer that can't be read", a.endpoint())
		e.Remedy = remedyForeign
	case errors.As(err, &answer) && answer.HTTPStatusCode()/100 != 2 && answer.HTTPStatusCode() != 0:
		e.Message = fmt.Sprintf("%s answered with HTTP status %d and nothing of EC2's%s", a.endpoint(), answer.HTTPStatusCode(), a.times())
		e.Remedy = remedyForeign
	case errors.As(err, &noHost) && noHost.IsNotFound:
		e.Message = fmt.Sprintf("there is no host %s", noHost.Name)
		e.Remedy = "check the name of the region, and AWS_ENDPOINT_URL if it is set"
	case isTLS(err):
		e.Message = fmt.Sprintf("%s can't be trusted: %s", a.endpoint(), reason(err))
		e.Remedy = "if its certificate is signed by an authority of your own, set AWS_CA_BUNDLE " + passedOn
	default:
		e.Message = fmt.Sprintf("no answer from %s: %s%s", a.endpoint(), reason(err), a.times())
	}
	return e
}

// explainRefusal is for what EC2 itself has said.
func (a *attempts) explainRefusal(e *compute.Error, refused smithy.APIError) {
	known := explain(refused.ErrorCode())
	e.Kind, e.Code, e.Remedy = known.kind, refused.ErrorCode(), known.remedy
	e.Message = withoutSecrets(oneLine(refused.ErrorMessage()), a.credentials)
	switch {
	case errors.Is(known.kind, compute.ErrThrottled):
		e.Message += a.times()
	case strings.HasPrefix(e.Code, "InvalidParameter") && a.operation == describe:
		e.Kind, e.Remedy = compute.ErrBadFilter, remedyFilter
	}
}

// reason returns what a network error says at its core: no URL, which may have a
// password in it, and no account of which layer passed it on.
func reason(err error) string {
	var (
		broken  *brokenError
		request *url.Error
		answer  *smithyhttp.ResponseError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	case errors.As(err, &broken) && errors.Is(broken, net.ErrClosed):
		return "it took too long" // while it reads, only this side closes, when the time is up
	case errors.As(err, &broken):
		err = broken
	case wasClosed(err):
		return "the connection was closed"
	case errors.As(err, &request):
		err = request.Err
	case errors.As(err, &answer):
		return fmt.Sprintf("HTTP status %d", answer.HTTPStatusCode())
	}
	return oneLine(err.Error())
}

// wasClosed tells whether the other side hung up, however this side noticed.
func wasClosed(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE},
		func(sign error) bool { return errors.Is(err, sign) })
}

// isTLS tells errors of certificates and handshakes.
func isTLS(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
	)
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert)
}

// oneLine cuts what a server or the SDK says to its first line and to a length
// that can be read. What EC2 appends to a refusal, to be decoded by an
// administrator, is left out; the lines after the first may have signatures.
func oneLine(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text, _, _ = strings.Cut(text, "Encoded authorization failure message")
	text = strings.TrimRight(strings.TrimSpace(text), ".")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// withoutSecrets takes the credentials out of a text, should a server send them
// back.
func withoutSecrets(text string, c aws.Credentials) string {
	for _, secret := range []string{c.SecretAccessKey, c.SessionToken} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "(hidden)")
		}
	}
	return text
}
