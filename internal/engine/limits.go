package engine

import (
	"fmt"
	"path"
	"slices"
	"time"
)

// Limits bound what all plans together may do. 0 is no limit.
type Limits struct {
	// RunsPerRef and RunsPerPlan bound the runs alive at the same time. Over
	// them an executor waits, in due order, within its misfire grace.
	RunsPerRef, RunsPerPlan int
	// RunsPerHour bounds the runs started in any 60 minutes. Over it an executor
	// is blocked.
	RunsPerHour int
	// OpenUndos bounds the undo records that are not settled. Over it no
	// executor starts whose attack can undo (it waits), and no record is taken.
	OpenUndos int
	// Allow and Deny are patterns of attack refs (path.Match). With Allow, only
	// what matches one of it runs; what matches one of Deny never does.
	Allow, Deny []string
	// Irreversible says what becomes of attacks that can't be undone.
	Irreversible IrreversiblePolicy
	// Quiet says when nothing starts; nil: always may.
	Quiet Quiet
	// QuietStops has what runs stopped and undone when a quiet time begins.
	QuietStops bool
}

// IrreversiblePolicy says what is done with plans of irreversible attacks.
type IrreversiblePolicy string

// The policies. The zero value means allow.
const (
	IrreversibleAllow IrreversiblePolicy = "allow"
	IrreversibleAsk   IrreversiblePolicy = "ask" // the plan must say allow_irreversible
	IrreversibleDeny  IrreversiblePolicy = "deny"
)

// Quiet is the times in which nothing may start.
type Quiet interface {
	// At says in words which quiet time t lies in, such as "Mon-Fri 09:00-17:00
	// Europe/Madrid"; "" when it lies in none.
	At(t time.Time) string
	// Next returns the first instant after t at which a quiet time begins; zero
	// when none will.
	Next(t time.Time) time.Time
}

// LimitUse is one limit and how far it is used up.
type LimitUse struct {
	// Name is that of the flag that sets it.
	Name string
	// Limit is its value in words; "none" when there is none.
	Limit string
	// Used is how much of it is used now, where that can be counted; else -1.
	Used int
	// Reached is set when it keeps something from starting now.
	Reached bool
}

// forbidsRef says why the lists do not let a ref run, "" when they do. It is
// denied or allowed by whichever of its names.
func (l Limits) forbidsRef(ref Ref, aliases ...Ref) string {
	names := append([]Ref{ref}, aliases...)
	for _, pattern := range l.Deny {
		if matchesAny(pattern, names) {
			return fmt.Sprintf("%s is not allowed on this daemon (--deny-attack %s)", ref, pattern)
		}
	}
	for _, pattern := range l.Allow {
		if matchesAny(pattern, names) {
			return ""
		}
	}
	if len(l.Allow) > 0 {
		return fmt.Sprintf("%s is not among the attacks allowed on this daemon (--allow-attack)", ref)
	}
	return ""
}

func matchesAny(pattern string, names []Ref) bool {
	return slices.ContainsFunc(names, func(name Ref) bool {
		ok, _ := path.Match(pattern, string(name))
		return ok
	})
}
