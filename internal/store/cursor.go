package store

import (
	"encoding/base64"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// DefaultLimit is the length of a page when none is asked for.
	DefaultLimit = 100
	// MaxLimit is the longest page; a higher limit means this one. Where a
	// method takes a limit and no cursor, this is the default, and any other
	// limit is taken as it is.
	MaxLimit = 1000
)

// listKind tells the cursors of one kind of list from those of others.
type listKind byte

const (
	listPlans     listKind = 'p'
	listExecutors listKind = 'e'
	listUndos     listKind = 'u'
	// listNewestExecutors is the list of executors backwards.
	listNewestExecutors listKind = 'n'
)

// cursorAt returns the cursor of the place after the key given.
func cursorAt(kind listKind, key []byte) engine.Cursor {
	return engine.Cursor(base64.RawURLEncoding.EncodeToString(append([]byte{byte(kind)}, key...)))
}

// place returns the key of a cursor; nil for the empty one.
func place(kind listKind, c engine.Cursor, length int) ([]byte, error) {
	if c == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil || len(b) != 1+length || b[0] != byte(kind) {
		return nil, engine.Errorf(engine.CodeInvalid, "the cursor is not one of this list; start again without one")
	}
	return b[1:], nil
}

func pageLength(limit int) int {
	if limit <= 0 {
		return DefaultLimit
	}
	return min(limit, MaxLimit)
}

func plainLimit(limit int) int {
	if limit <= 0 {
		return MaxLimit
	}
	return limit
}
