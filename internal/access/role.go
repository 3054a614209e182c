package access

import (
	"fmt"
	"slices"
)

// Role is what a key's owner is trusted with. Each one may do what those before
// it may.
type Role string

// The roles, from the least to the most.
const (
	// Nobody has shown no key. It learns that the daemon lives.
	Nobody Role = "nobody"
	// Viewer reads.
	Viewer Role = "viewer"
	// Operator plans, moves, halts and has undone.
	Operator Role = "operator"
	// Admin deletes, gives undos up, releases the lever, and manages keys,
	// plugins and the store.
	Admin Role = "admin"
)

// ranks are the roles in order.
var ranks = []Role{Nobody, Viewer, Operator, Admin}

// Covers says whether somebody with the role may do what asks for need. A role
// that is none covers nothing, and nothing covers it.
func (r Role) Covers(need Role) bool {
	have, want := slices.Index(ranks, r), slices.Index(ranks, need)
	return want >= 0 && have >= want
}

// ParseRole reads the name of a role that a key can have.
func ParseRole(name string) (Role, error) {
	switch r := Role(name); r {
	case Viewer, Operator, Admin:
		return r, nil
	default:
		return "", fmt.Errorf("%q is not a role: it is one of viewer, operator and admin", name)
	}
}
