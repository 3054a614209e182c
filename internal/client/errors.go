package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Refusal is an answer that says no.
type Refusal struct {
	Status  int
	Message string
	// Problems are what is wrong with the input, where.
	Problems []Problem
	// RetryAfter is when it may be worth asking again; 0: the daemon does not say.
	RetryAfter time.Duration
}

// Problem is one thing wrong with an input.
type Problem struct {
	Pointer string `json:"pointer"` // a JSON pointer (RFC 6901)
	Message string `json:"message"`
}

// Error is the message, and each problem that it does not tell already on a
// line of its own.
func (r *Refusal) Error() string {
	var text strings.Builder
	text.WriteString(r.Message)
	for _, p := range r.Problems {
		if p.Message != "" && !strings.Contains(r.Message, p.Message) {
			text.WriteString("\n  " + p.words())
		}
	}
	return text.String()
}

// words are the message, after its place unless it names the member itself.
func (p Problem) words() string {
	switch {
	case p.Pointer == "":
		return "(all of it): " + p.Message
	case p.namesItsMember():
		return p.Message
	default:
		return p.Pointer + ": " + p.Message
	}
}

func (p Problem) namesItsMember() bool {
	member := p.Pointer[strings.LastIndex(p.Pointer, "/")+1:]
	return member != "" && strings.Contains(" "+strings.Map(spaced, p.Message)+" ", " "+member+" ")
}

// spaced makes spaces of what stands around a name.
func spaced(r rune) rune {
	if strings.ContainsRune(`"':;,.()`, r) {
		return ' '
	}
	return r
}

// refusalOf reads a problem document (RFC 9457). What is none did not come from
// a cmed.
func refusalOf(answer *http.Response, text []byte) error {
	var doc struct {
		Msg, Detail string
		Errors      []Problem
	}
	r := &Refusal{Status: answer.StatusCode, RetryAfter: retryAfter(answer)}
	if err := json.Unmarshal(text, &doc); err != nil || doc.Msg+doc.Detail == "" {
		status := strings.TrimSpace(fmt.Sprint(answer.StatusCode, " ", http.StatusText(answer.StatusCode)))
		r.Message = fmt.Sprintf("the answer is HTTP %s and says nothing that cmed would; is that a cmed?", status)
		if bytes.Contains(text, []byte("HTTP request to an HTTPS server")) { // net/http's own words
			r.Message = "the server speaks TLS: call it by https://"
		}
		return r
	}
	r.Message, r.Problems = doc.Detail, doc.Errors
	if r.Message == "" {
		r.Message = doc.Msg
	}
	for _, p := range r.Problems {
		if p.Message != "" && p.namesItsMember() {
			r.Message = strings.Replace(r.Message, p.Pointer+": "+p.Message, p.Message, 1)
		}
	}
	return r
}

// retryAfter reads the header of that name: seconds, as cmed sends them.
func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

const (
	// maxTries bounds how often a plan is posted that the daemon has no time for.
	maxTries = 5
	// longestPause bounds how long it is waited between.
	longestPause = 10 * time.Second
)

// patiently calls fn again when the daemon says that it is too busy, and when to
// come again.
func patiently[T any](ctx context.Context, fn func() (T, error)) (doc T, err error) {
	for try := 1; ; try++ {
		doc, err = fn()
		refusal, refused := errors.AsType[*Refusal](err)
		busy := refused && refusal.Status == http.StatusServiceUnavailable && refusal.RetryAfter > 0
		if !busy || refusal.RetryAfter > longestPause || try == maxTries {
			return doc, err
		}
		select {
		case <-ctx.Done():
			return doc, err
		case <-time.After(refusal.RetryAfter):
		}
	}
}

// Passing says whether the same call may succeed a little later: there was no whole
// answer, or one that says that the daemon is away, as a daemon that starts or stops
// gives it, or a proxy in its place. A certificate that is not trusted now is not then,
// nor is TLS spoken then, or a socket open to this user.
func Passing(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if errors.Is(err, http.ErrSchemeMismatch) || errors.Is(err, fs.ErrPermission) {
		return false
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		switch refusal.Status {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		default:
			return false
		}
	}
	_, unreachable := errors.AsType[*Unreachable](err)
	return unreachable
}

// MayBeDone says whether what was asked for may have been done though there is no
// answer of the daemon: the call broke off behind the connecting.
func MayBeDone(err error) bool {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Status == http.StatusBadGateway || refusal.Status == http.StatusGatewayTimeout
	}
	u, ok := errors.AsType[*Unreachable](err)
	return ok && u.Connected
}

// Mute says whether somebody takes connections where the daemon is called, and
// answers nothing.
func Mute(err error) bool {
	u, ok := errors.AsType[*Unreachable](err)
	if !ok || !u.Connected {
		return false
	}
	_, silent := errors.AsType[Silence](err)
	return silent
}

// Silence is how long nothing came. It is the cause of a context that bounds a call
// more than the client does.
type Silence time.Duration

func (s Silence) Error() string { return fmt.Sprintf("nothing came for %s", time.Duration(s)) }

// errStreamEnded is returned when a daemon ended a stream that has no end.
var errStreamEnded = errors.New("the daemon ended the stream")

// Unreachable is returned when there was no whole answer. What was asked for may
// have been done, if the connection broke late.
type Unreachable struct {
	Server string
	Err    error
	// Connected says that there was a connection, with TLS if that was wanted, over
	// which the request may have gone.
	Connected bool
}

func (u *Unreachable) Error() string {
	if Mute(u) {
		return fmt.Sprintf("the daemon at %s takes connections, but does not answer: %v", u.Server, u.Err)
	}
	return fmt.Sprintf("the daemon at %s can't be reached: %v", u.Server, u.Err)
}

func (u *Unreachable) Unwrap() error { return u.Err }
