package engine

import (
	"errors"
	"fmt"
)

// Code classifies an error for the surfaces; each maps it to its own status.
type Code string

// The codes.
const (
	CodeInvalid  Code = "invalid"       // the input is wrong; the caller can mend it
	CodeNotFound Code = "not_found"     // no such plan, executor, plugin
	CodeConflict Code = "conflict"      // right input, wrong moment
	CodeReused   Code = "key_reused"    // an Idempotency-Key came back with another body
	CodeBusy     Code = "busy"          // too much at once; try again later
	CodeInternal Code = "internal"      // ours to mend
	CodeClosed   Code = "shutting_down" // the engine is stopping

	CodeDenied     Code = "denied"     // the operator does not allow it
	CodeLimited    Code = "limited"    // a limit of the operator's is reached
	CodeFull       Code = "disk_full"  // no room to write; room must be made
	CodeUnwritable Code = "unwritable" // the store can't be written at the moment
)

// Problem is one thing wrong with an input.
type Problem struct {
	// Pointer is a JSON pointer (RFC 6901) into the input.
	Pointer string `json:"pointer"`
	// Keyword is the JSON Schema keyword that failed, where there is one.
	Keyword string `json:"keyword,omitempty"`
	Message string `json:"message"`
	// Hint says how it may be mended, where that is known.
	Hint string `json:"hint,omitempty"`
}

// Error is a domain error: a code, a message for a person, and for bad input
// what is wrong where.
type Error struct {
	Code     Code
	Message  string
	Problems []Problem
	Err      error // the cause, if any; not for the outside
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with the code and message given. A %w operand becomes
// the cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal when
// there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
