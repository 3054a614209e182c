package engine

import (
	"context"
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
	// Restored says that nobody halted anything: the store is a copy, whose lever
	// was engaged so that nothing starts unseen. What ran is not taken back for it.
	Restored bool `json:"restored,omitempty"`
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
	// Undone is when the last undo that this asked for had come to its end, be it
	// undone or given up; NotUndone counts the records that had failed then.
	Undone    time.Duration `json:"undone,omitempty"`
	NotUndone int           `json:"not_undone,omitempty"`
}

// LeverState is the lever as it is now.
type LeverState struct {
	Lever
	// Durable is false while the store could not be written: a restart would
	// not know of the change, but for the halt file.
	Durable bool
	// HaltFile is the path of the halt file if it is there, "" else.
	HaltFile string
	// Stopping and Undoing count what still runs and what is still to be undone
	// under an engaged lever.
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

// words says who engaged the lever, when in the zone given, and why.
func (l Lever) words(zone *time.Location) string {
	return fmt.Sprintf("the lever is engaged (by %s since %s: %s)", l.By, instant(l.At.In(zone)), l.Reason)
}

// lever is the switch in memory, which counts; what is stored follows it.
type lever struct {
	// mu is held for reading while a run takes its right to start, so that once
	// engage has returned none does.
	mu    sync.RWMutex
	zone  *time.Location // of the words
	state Lever
	// since is when the lever was engaged, zero if an earlier daemon did it.
	since time.Time
	// calls counts those of engage, so that a release notices one meanwhile;
	// turns counts those that found it released.
	calls, turns int
	// released is closed when the engaged lever is released.
	released chan struct{}
	// durable is set when the store has the state, but for how the stop went;
	// reported is set when it has not that either.
	durable, reported bool
	// untold are the states that it has come to and that nobody has been told of.
	untold []Lever
}

// engage has nothing start any more, at once. It says whether the lever was not
// engaged before; one that a restoration engaged was not.
func (l *lever) engage(by, reason string, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	switch {
	case l.state.Engaged && !l.state.Restored:
		return false
	case l.state.Engaged:
		close(l.released) // its turn is over
	}
	l.since = at
	l.takeTurn()
	l.state = Lever{Engaged: true, By: by, Reason: reason, At: at.UTC().Round(0), Stop: &LeverStop{}}
	l.durable = false
	l.untold = append(l.untold, l.state.clone())
	return true
}

// adopt takes over what was stored. If it was engaged, then whoever engages it
// since New is not the first.
func (l *lever) adopt(stored Lever) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case stored.Restored && l.calls > 0: // it has been halted meanwhile
		l.durable = false
	case stored.Engaged:
		l.state, l.durable, l.since = stored, true, time.Time{}
		l.takeTurn()
	case l.calls == 0:
		l.state, l.durable = stored, true
	}
}

// takeTurn begins a turn: the time from an engaging to its release.
func (l *lever) takeTurn() {
	l.turns++
	l.released = make(chan struct{})
}

// turn returns which turn it is, and a context that ends when the lever is
// released, or with its parent. It has ended when the lever is not engaged.
func (l *lever) turn(parent context.Context) (n int, held context.Context, end context.CancelFunc) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	held, end = context.WithCancel(parent)
	if !l.state.Engaged {
		end()
		return l.turns, held, end
	}
	released := l.released
	go func() { // ends with held
		select {
		case <-released:
			end()
		case <-held.Done():
		}
	}()
	return l.turns, held, end
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

// report changes how the stop of what ran went in a turn, and returns that. Of a
// lever that an earlier daemon engaged nothing is reported: its call is not
// known. Nor is anything of a turn that is over: changed is false then.
func (l *lever) report(turn int, fn func(stop *LeverStop, since time.Duration)) (stop LeverStop, changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() || l.state.Stop == nil || !l.state.Engaged || turn != l.turns {
		return LeverStop{}, false
	}
	before := *l.state.Stop
	fn(l.state.Stop, max(time.Since(l.since), 1)) // 0 says that it is not reached
	changed = *l.state.Stop != before
	l.reported = l.reported || changed
	return *l.state.Stop, changed
}

// toStore returns what is to be stored; false when the store has it all.
func (l *lever) toStore() (Lever, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.clone(), !l.durable || l.reported
}

// stored notes that the store has this state. It says whether that is still the
// one that counts.
func (l *lever) stored(state Lever) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable = l.durable || l.state.sameBut(state)
	if l.state.equal(state) {
		l.reported = false
	}
	return l.durable && !l.reported
}

func (l Lever) equal(other Lever) bool {
	same := (l.Stop == nil) == (other.Stop == nil) && (l.Stop == nil || *l.Stop == *other.Stop)
	return same && l.sameBut(other)
}

// sameBut is equal, how the stop went apart.
func (l Lever) sameBut(other Lever) bool {
	l.Stop, other.Stop = nil, nil
	return l == other
}

// releasing notes that a release is about to be stored: from here on it is not
// certain that the store has the lever engaged.
func (l *lever) releasing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable = false
}

// release takes on the released state, which is stored, unless engage has been
// called since; then it says false.
func (l *lever) release(state Lever, calls int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if calls != l.calls {
		return false
	}
	l.state, l.durable = state, true
	l.untold = append(l.untold, l.state.clone())
	close(l.released)
	return true
}

// takeUntold returns the states to be told of, in order.
func (l *lever) takeUntold() []Lever {
	l.mu.Lock()
	defer l.mu.Unlock()
	untold := l.untold
	l.untold = nil
	return untold
}

// refuses says in words why nothing may start, "" when it may.
func (l *lever) refuses() string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.state.Engaged {
		return ""
	}
	return l.state.words(l.zone)
}

// halts says whether what ran is to be taken back: the lever is engaged, and not
// by a restoration alone.
func (l *lever) halts() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.Engaged && !l.state.Restored
}

// begin gives the run the right to start, unless the lever is engaged: then it
// says in words that it is.
func (l *lever) begin(r *liveRun) (began bool, refused string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state.Engaged {
		return false, l.state.words(l.zone)
	}
	return r.begin(), ""
}
