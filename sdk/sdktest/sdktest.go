// Package sdktest runs attacks and planners in a unit test, in the test's own
// process: what they log, hit, record and answer can be looked at, the seed and
// the time are fixed, and nothing is kept.
//
//	func TestTouch(t *testing.T) {
//		args := Args{Path: filepath.Join(t.TempDir(), "x")}
//		run := sdktest.Run(t, attack, args)
//		if run.Failure != nil || len(run.Records) != 1 {
//			t.Fatalf("%+v", run)
//		}
//		if undo := sdktest.Undo(t, attack, args, run.Records[0]); undo.Outcome != sdk.Undone {
//			t.Errorf("%+v", undo)
//		}
//	}
//
// The code that answers is the one that serves a daemon. The args go the way
// they go there: written as JSON, checked against the schema, read again. So
// does everything that comes back. Each call has a service of its own, as it has
// a process of its own under a daemon; what the test's process keeps in
// variables is all that they share.
//
// # Time
//
// No socket and no process is involved, so that all of it works in a bubble of
// package testing/synctest, where an attack that waits for an hour takes none:
//
//	synctest.Test(t, func(t *testing.T) {
//		run := sdktest.Run(t, attack, Args{For: sdk.Duration(time.Hour)}, sdktest.Timeout(2*time.Hour))
//		…
//	})
//
// Nothing waits for ever. A run is told to stop when its Timeout is over, as the
// daemon would; what does not return within its Grace after that fails the test,
// with its stack. So does a goroutine that is still there a second after its call
// has returned: a daemon ends the process, and with it what such a goroutine does
// half-way. (Idle connections of net/http are not meant.)
package sdktest

import "time"

// DefaultSeed and DefaultID are the seed and the id of a run, where no Option
// says otherwise.
const (
	DefaultSeed = 1
	DefaultID   = "01900000000070008000000000000001"
)

// DefaultNow is the time that planners plan from, and when runs are due, where no
// Option says otherwise.
var DefaultNow = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
