package access

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// KeyID names a key without giving it away: 12 lower-case letters and digits.
type KeyID string

// Valid says whether the id has the form of one.
func (id KeyID) Valid() bool {
	if len(id) != idLength {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Key is what is kept of an API key.
type Key struct {
	ID   KeyID  `json:"id"`
	Name string `json:"name"` // who or what it is for, in the words of its maker
	Role Role   `json:"role"`
	// Hash is SHA-256 of the secret. A secret is 256 random bits, so there is
	// nothing to guess and no need for a slow hash.
	Hash    []byte    `json:"hash"`
	Limits  Limits    `json:"limits"`
	Created time.Time `json:"created"`
	By      string    `json:"by"`               // who made it
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Revoked time.Time `json:"revoked,omitzero"` // zero: it is not
}

// Live says whether the key opens anything at the time given.
func (k Key) Live(now time.Time) bool {
	return k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}

// ended is since when the key opens nothing; zero: it does not end.
func (k Key) ended() time.Time {
	if k.Expires.IsZero() || !k.Revoked.IsZero() && k.Revoked.Before(k.Expires) {
		return k.Revoked
	}
	return k.Expires
}

func (k Key) withoutHash() Key {
	k.Hash = nil
	k.Limits = k.Limits.clone()
	return k
}

// Limits narrow what a key may plan, move and halt. They say nothing of reading,
// nor of the lever, which anybody who may halt can engage, nor of undos. An
// administrator's key has none: it could make another. The zero value is no limit.
type Limits struct {
	// Refs are patterns of attacks' refs, as those of --allow-attack; a plan's
	// attack must match one.
	Refs []string `json:"refs,omitempty"`
	// Labels must all be on the plan, with these values.
	Labels map[string]string `json:"labels,omitempty"`
}

// Refuses says in words which limit keeps a plan out that has this attack, by
// any of its names, of which the first is shown, and these labels: "is limited
// to …"; "" when none does.
func (l Limits) Refuses(names []engine.Ref, labels map[string]string) string {
	if len(l.Refs) > 0 && !slices.ContainsFunc(l.Refs, func(pattern string) bool { return matches(pattern, names) }) {
		return fmt.Sprintf("is limited to the attacks %s, and this is %s", strings.Join(l.Refs, ", "), names[0])
	}
	for _, name := range slices.Sorted(maps.Keys(l.Labels)) {
		if value, ok := labels[name]; !ok || value != l.Labels[name] {
			return fmt.Sprintf("is limited to plans with the label %s=%q", name, l.Labels[name])
		}
	}
	return ""
}

// None says whether nothing is limited.
func (l Limits) None() bool { return len(l.Refs) == 0 && len(l.Labels) == 0 }

func matches(pattern string, names []engine.Ref) bool {
	return slices.ContainsFunc(names, func(name engine.Ref) bool {
		ok, _ := path.Match(pattern, string(name))
		return ok
	})
}

func (l Limits) clone() Limits {
	return Limits{Refs: slices.Clone(l.Refs), Labels: maps.Clone(l.Labels)}
}

// Store keeps keys. They are deleted only for another to take their place: that
// there was one is what keeps the API closed.
type Store interface {
	// Keys lists all keys, oldest first.
	Keys(ctx context.Context) ([]Key, error)
	// AddKey stores a new key and deletes those that are gone, durably and all at
	// once.
	AddKey(ctx context.Context, k Key, gone ...KeyID) error
	// RevokeKey sets the key's time of revocation, if it has none, durably, and
	// returns the key. An *engine.Error with CodeNotFound when there is none.
	RevokeKey(ctx context.Context, id KeyID, at time.Time) (Key, error)
}
