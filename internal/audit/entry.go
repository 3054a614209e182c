package audit

import (
	"context"
	"time"
)

// The outcomes of what was done.
const (
	OK      = "ok"
	Refused = "refused" // by a 4xx
	Failed  = "failed"  // with a 5xx
)

// Entry is one thing that somebody did.
type Entry struct {
	Seq uint64    `json:"seq"` // 1, 2, 3, …
	At  time.Time `json:"at"`
	// Who is the caller's name; Key the id of its key, "" when it showed none.
	Who string `json:"who"`
	Key string `json:"key,omitempty"`
	// Role is what the caller could do then; "" for what the daemon itself does.
	Role string `json:"role,omitempty"`
	// From is an address, "unknown" where there is none, or "socket", "signal",
	// "halt file", "plugin folder", "start" for what a start does by itself, "this
	// machine" for what is done to the store's file.
	From string `json:"from"`
	// Action is what was done, by the name of the operation: "create_plan".
	Action string `json:"action"`
	// Target is what it was done to: an id, a ref, a file; "" for the daemon.
	Target string `json:"target,omitempty"`
	// Status is the HTTP status of the answer; 0 where there is none.
	Status int `json:"status,omitempty"`
	// Outcome is OK, Refused or Failed.
	Outcome string `json:"outcome"`
	// Detail says in words what came of it, or why: at most 1 KiB.
	Detail string `json:"detail,omitempty"`
	// Before is the Hash of the entry before this one, "" for the first; Hash is
	// this one's own: both SHA-256 in hex.
	Before string `json:"before"`
	Hash   string `json:"hash"`
}

// After returns the entry as the one that follows last (the zero Entry for the
// first), with its number and hashes. Hash is SHA-256 of the entry's JSON with an
// empty "hash". What a line of text can't hold is cut: see maxDetail.
func (e Entry) After(last Entry) Entry {
	e.Seq, e.Before = last.Seq+1, last.Hash
	e = e.plain()
	e.Hash = e.sum()
	return e
}

// Query selects entries in their order.
type Query struct {
	After    uint64    // entries with a greater Seq
	Before   uint64    // entries with a smaller Seq; 0: open
	From, To time.Time // at or after From and before To; zero: open
	Newest   bool      // in the reverse order
	Limit    int       // 0: a default of the store's choice
}

// Reader gives out entries.
type Reader interface {
	// Audit returns the entries that the query selects, up to its limit; none
	// when there are no more.
	Audit(ctx context.Context, q Query) ([]Entry, error)
}

// Store keeps the entries.
type Store interface {
	Reader
	// AppendAudit chains and stores the entry durably, and returns it as stored.
	AppendAudit(ctx context.Context, e Entry) (Entry, error)
}
