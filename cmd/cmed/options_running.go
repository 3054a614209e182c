package main

import "time"

// running says how runs and undos are bounded in time and number, and how
// everything is stopped.
var running = []option{
	{
		name: "max-concurrent-runs", kind: "number", fallback: "128",
		usage: "how many attacks may run at once",
		set:   setNumber(1, 100_000, func(c *config) *int { return &c.maxRuns }),
	}, {
		name: "misfire-grace", kind: "duration", fallback: "1m",
		usage: "how late an executor may still be started, where its plan does not say",
		set:   setDuration(func(c *config) *time.Duration { return &c.misfireGrace }),
	}, {
		name: "run-timeout", kind: "duration", fallback: "15m",
		usage: "how long an attack may run, where its plan does not say",
		set:   setDuration(func(c *config) *time.Duration { return &c.runTimeout }),
	}, {
		name: "stop-grace", kind: "duration", fallback: "10s", reap: true,
		usage: "how long an attack that is stopped has to undo itself, before SIGTERM and SIGKILL",
		set:   setDuration(func(c *config) *time.Duration { return &c.stopGrace }),
	}, {
		name: "shutdown-timeout", kind: "duration", fallback: "30s",
		usage: "how long the daemon has to stop and undo what runs when it is told to end",
		set:   setDuration(func(c *config) *time.Duration { return &c.shutdownLimit }),
	}, {
		name: "undo-timeout", kind: "duration", fallback: "5m", reap: true,
		usage: "how long one attempt to undo may take",
		set:   setDuration(func(c *config) *time.Duration { return &c.undoTimeout }),
	}, {
		name: "undo-attempts", kind: "number", fallback: "10", reap: true,
		usage: "how often an undo is tried before it is given up, until somebody asks or the daemon starts anew",
		set:   setNumber(1, 1000, func(c *config) *int { return &c.undoAttempts }),
	}, {
		name: optHaltFile, kind: "path",
		usage: "file that engages the lever by being there (default: halt in the state folder)",
		set:   setPath(func(c *config) *string { return &c.haltFile }),
	},
}
