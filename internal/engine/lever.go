package engine

import (
	"fmt"
	"sync"
	"time"
)

// Lever is the halt switch as it is stored: while it is engaged nothing starts.
type Lever struct {
	Engaged bool `json:"engaged"`
	// By and Reason tell who engaged it last and why; At when.
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at,omitzero"`
	// ReleasedBy and ReleasedAt tell of the last release.
	ReleasedBy string    `json:"released_by,omitempty"`
	ReleasedAt time.Time `json:"released_at,omitzero"`
	// Stop is how the last engaging stopped what ran.
	Stop *LeverStop `json:"stop,omitempty"`
}

// LeverStop is how what ran was stopped when the lever was engaged. Spans are
// from the call; 0 while that is not reached yet.
type LeverStop struct {
	// Runs is how many were alive.
	Runs int `json:"runs"`
	// Gone is when the last of their processes was gone.
	Gone time.Duration `json:"gone,omitempty"`
	// Undone is when the last undo that this asked for had come to its end.
	Undone time.Duration `json:"undone,omitempty"`
}

// LeverState is the lever as it is now.
type LeverState struct {
	Lever
	// Durable is false while the store could not be written: a restart would
	// not know of the change, but for the halt file.
	Durable bool
	// HaltFile is the path of the halt file if it is there, "" else.
	HaltFile string
	// Stopping and Undoing count what still runs and what is still to be undone.
	Stopping, Undoing int
}

// HaltFile is a file that engages the lever while it exists.
type HaltFile interface {
	// Path is where it is looked for.
	Path() string
	// Read returns what the file says, at most a line of it. A file that is
	// there and can't be read is present.
	Read() (text string, present bool)
	// Write makes the file, durably, unless it is there.
	Write(text string) error
}

// words says who engaged the lever and why.
func (l Lever) words() string {
	return fmt.Sprintf("the lever is engaged (by %s since %s: %s)", l.By, instant(l.At), l.Reason)
}

// lever is the switch in memory, which counts; what is stored follows it.
type lever struct {
	// mu is held for reading while a run takes its right to start, so that once
	// engage has returned none does.
	mu    sync.RWMutex
	state Lever
	// since is when the lever was engaged, zero if an earlier daemon did it.
	since time.Time
	// calls counts those of engage, so that a release notices one meanwhile.
	calls int
	// durable is set when the store has the state.
	durable bool
}

// engage has nothing start any more, at once. It says whether the lever was not
// engaged before.
func (l *lever) engage(by, reason string, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.state.Engaged {
		return false
	}
	l.since = at
	l.state.Engaged, l.state.By, l.state.Reason, l.state.At = true, by, reason, at.UTC().Round(0)
	l.state.Stop = &LeverStop{}
	l.durable = false
	return true
}

// adopt takes over what was stored, unless the lever has been engaged already.
func (l *lever) adopt(stored Lever) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls == 0 {
		l.state, l.durable = stored, true
	}
}

// now returns the state, whether it is stored, and how often engage was called.
func (l *lever) now() (state Lever, durable bool, calls int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.clone(), l.durable, l.calls
}

func (l Lever) clone() Lever {
	if l.Stop != nil {
		stop := *l.Stop
		l.Stop = &stop
	}
	return l
}

// report changes how the stop of what ran went. Of a lever that an earlier
// daemon engaged nothing is reported: its call is not known.
func (l *lever) report(fn func(stop *LeverStop, since time.Duration)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.since.IsZero() && l.state.Stop != nil {
		fn(l.state.Stop, max(time.Since(l.since), 1)) // 0 says that it is not reached
		l.durable = false
	}
}

// stored notes that the store has this state. It says whether that is still the
// one that counts.
func (l *lever) stored(state Lever) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable = l.durable || l.state.equal(state)
	return l.durable
}

func (l Lever) equal(other Lever) bool {
	same := (l.Stop == nil) == (other.Stop == nil) && (l.Stop == nil || *l.Stop == *other.Stop)
	l.Stop, other.Stop = nil, nil
	return same && l == other
}

// release takes on the released state, which is stored, unless engage has been
// called since; then it says false.
func (l *lever) release(state Lever, calls int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if calls != l.calls {
		l.durable = false // the store has it wrong
		return false
	}
	l.state, l.durable = state, true
	return true
}

// refuses says in words why nothing may start, "" when it may.
func (l *lever) refuses() string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.state.Engaged {
		return ""
	}
	return l.state.words()
}

// begin gives the run the right to start, unless the lever is engaged: then it
// says in words that it is.
func (l *lever) begin(r *liveRun) (began bool, refused string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state.Engaged {
		return false, l.state.words()
	}
	return r.begin(), ""
}
