package engine

import (
	"context"
	"encoding/json"
	"time"
)

// What is in here is for who calls a plugin without an engine, by hand: the same
// checks, the same words, the same secrets taken out.

// Problems says what is wrong with a config for the offer. base is the pointer to
// the config in what the caller sent.
func (o Offer) Problems(c Config, base string) []Problem { return problemsOf(o, c, base) }

// EndOf is the final state of a run that ended so, and the reason in words. ctx is
// what Process.Run was given.
func EndOf(ctx context.Context, exit Exit) (State, string) { return outcome(exit, stopReason(ctx)) }

// Tell puts on record what is said of a target, in place of what was said before.
func (r *Run) Tell(t Target) { r.tell(t) }

// Answered moves the record on after an attempt to undo it, the last of which is
// the one numbered attempts. One that was interrupted does not count.
func (u *UndoRecord) Answered(a UndoAnswer, now time.Time, interrupted bool, attempts int) {
	applyAnswer(u, a, now, interrupted, attempts)
}

// Scrubber takes the secrets of a config out of what its run says. The zero value
// takes nothing out.
type Scrubber struct{ scrub scrubber }

// NewScrubber returns the one for the values that the pointers name.
func NewScrubber(c Config, pointers []string) Scrubber { return Scrubber{newScrubber(c, pointers)} }

// Text is a text without secrets.
func (s Scrubber) Text(t string) string { return s.scrub.text(t) }

// Doc is a JSON document without secrets.
func (s Scrubber) Doc(d json.RawMessage) json.RawMessage { return s.scrub.doc(d) }

// Entry is a line of a log without secrets.
func (s Scrubber) Entry(e LogEntry) LogEntry { return s.scrub.entry(e) }

// Target is what is said of a target without secrets.
func (s Scrubber) Target(t Target) Target { return s.scrub.target(t) }

// Failure is a failure without secrets, nil for nil.
func (s Scrubber) Failure(f *Failure) *Failure { return s.scrub.failure(f) }

// Warnings are a plugin's warnings as they are shown: without secrets, bounded.
func (s Scrubber) Warnings(list []string) []string { return presentable(list, s.scrub) }
