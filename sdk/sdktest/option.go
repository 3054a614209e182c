package sdktest

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Option changes a call.
type Option func(*call)

// call is what the daemon adds to the args.
type call struct {
	dryRun          bool
	seed            int64
	id              string
	now             time.Time
	zone            string
	timeout         time.Duration // 0: the daemon's default for that call
	grace           time.Duration
	attempt         int
	plan, execution string
	whole           any // in place of {ref, args}; nil: none
	attack          config
	refuse          string // why records are refused; "": they are stored
	wrong           []error
}

// What the daemon does when nothing else is said.
const (
	runTimeout  = 15 * time.Minute
	undoTimeout = 5 * time.Minute
	askTimeout  = 10 * time.Second
	stopGrace   = 10 * time.Second
)

func newCall(t testing.TB, options []Option) *call {
	t.Helper()
	c := &call{
		seed: DefaultSeed, id: DefaultID, now: DefaultNow, zone: "UTC", grace: stopGrace, attempt: 1,
		plan: "test", attack: config{Ref: "test:Attack"},
	}
	for _, option := range options {
		option(c)
	}
	if err := errors.Join(c.wrong...); err != nil {
		t.Fatal(err)
	}
	return c
}

// limit is how long the call may take.
func (c *call) limit(usual time.Duration) time.Duration {
	if c.timeout > 0 {
		return c.timeout
	}
	return usual
}

// DryRun makes it a dry run. The test fails if the attack declares none.
func DryRun() Option { return func(c *call) { c.dryRun = true } }

// Seed sets the seed of every random choice.
func Seed(seed int64) Option { return func(c *call) { c.seed = seed } }

// Now sets the time that a planner plans from, and when a run is due. It does not
// set the clock: that is what testing/synctest is for.
func Now(t time.Time) Option { return func(c *call) { c.now = t } }

// Zone sets the plan's zone, an IANA name; UTC without it.
func Zone(name string) Option {
	return func(c *call) {
		c.zone = name
		if _, err := time.LoadLocation(name); err != nil {
			c.wrong = append(c.wrong, fmt.Errorf("sdktest.Zone: %w", err))
		}
	}
}

// Timeout sets how long a run takes at most before it is told to stop. The
// recording says so then. Without it that is 15 minutes, and a run that takes as
// long fails the test. For other calls it is how long the answer may take: 5
// minutes for an undo, 10 seconds for the rest.
func Timeout(d time.Duration) Option {
	return func(c *call) {
		c.timeout = d
		if d <= 0 {
			c.wrong = append(c.wrong, fmt.Errorf("sdktest.Timeout: %s is no time", d))
		}
	}
}

// Grace sets how long after a stop a run, or another call whose time is over, has
// to return; 10 seconds without it. One that does not fails the test.
func Grace(d time.Duration) Option {
	return func(c *call) {
		c.grace = d
		if d <= 0 {
			c.wrong = append(c.wrong, fmt.Errorf("sdktest.Grace: %s is no time", d))
		}
	}
}

// RunID sets the id of the run.
func RunID(id string) Option { return func(c *call) { c.id = id } }

// Attempt sets which try to undo a record this is; the first without it.
func Attempt(n int) Option {
	return func(c *call) {
		c.attempt = n
		if n < 1 || n > 1<<31-1 {
			c.wrong = append(c.wrong, fmt.Errorf("sdktest.Attempt: attempts count from 1, and this is %d", n))
		}
	}
}

// Names sets what the plan and the execution are called; "test" and "" without
// it.
func Names(plan, execution string) Option {
	return func(c *call) { c.plan, c.execution = plan, execution }
}

// Config has the whole config be this, which is anything that marshals to JSON,
// in place of {ref, args}; the args given are then not used. It is for an offer
// with sdk.Info.Whole, and for configs that no T is written as, such as one
// without args or with a wrong one.
func Config(whole any) Option { return func(c *call) { c.whole = whole } }

// ForAttack sets the config that a planner is to plan; {"ref": "test:Attack"}
// without it.
func ForAttack(ref string, args any) Option {
	return func(c *call) { c.attack = config{ref, args} }
}

// RefuseRecords has the host fail to store undo records, with these words.
func RefuseRecords(why string) Option {
	return func(c *call) {
		c.refuse = why
		if why == "" {
			c.refuse = "the test refuses it"
		}
	}
}
