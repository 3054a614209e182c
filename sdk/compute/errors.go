package compute

import "errors"

// What can be wrong, whoever the provider is. An *Error wraps one of them.
var (
	// ErrNotFound is returned when a node isn't there.
	ErrNotFound = errors.New("not found")
	// ErrNotAllowed is returned when the provider refuses: the credentials are
	// wrong or expired, or lack the permission.
	ErrNotAllowed = errors.New("not allowed")
	// ErrThrottled is returned when the provider still asks to slow down after
	// all tries.
	ErrThrottled = errors.New("throttled")
	// ErrBadFilter is returned for a filter that the provider doesn't know or
	// can't read.
	ErrBadFilter = errors.New("bad filter")
	// ErrBadState is returned when a node is in a state that doesn't allow what
	// is asked.
	ErrBadState = errors.New("bad state")
	// ErrUnconfigured is returned when the environment lacks what the driver
	// needs: a region, credentials, an address.
	ErrUnconfigured = errors.New("not configured")
	// ErrUnreachable is returned when the provider gives no answer, or none that
	// can be read.
	ErrUnreachable = errors.New("unreachable")

	// ErrWouldBeEmpty is returned by a selection that has nobody to choose.
	ErrWouldBeEmpty = errors.New("would be empty")
	// ErrWouldBeAll is returned by a selection that would take every candidate
	// without being allowed to.
	ErrWouldBeAll = errors.New("would be all")
	// ErrBadRule is returned by a selection whose rule contradicts itself or is
	// out of bounds.
	ErrBadRule = errors.New("bad rule")
)

// Error is what a Driver returns. Its text is for people: what was tried, what
// the provider said, what to do. It has no secret in it.
type Error struct {
	Kind      error  // one of the above; nil for what has no kind
	Operation string // what was tried, as the provider calls it: "DescribeInstances"
	Code      string // the provider's own code, such as "UnauthorizedOperation"; may be empty
	Message   string // what the provider said, or what happened
	Remedy    string // what to do; may be empty
	Err       error  // what is behind it; may be nil
}

// Error says it in one line.
func (e *Error) Error() string {
	text := e.Operation + ": " + e.Message
	if e.Code != "" {
		text = e.Operation + ": " + e.Code + ": " + e.Message
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap makes errors.Is find the kind and what is behind.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
