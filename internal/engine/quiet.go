package engine

import "time"

// quietLook is how often the time of day is looked at where nothing announces
// that the clock was set.
const quietLook = time.Minute

// watchQuiet has what runs stopped when a quiet time begins, if that is wanted.
func (e *Engine) watchQuiet() {
	limits := e.settings.Limits
	if limits.Quiet == nil || !limits.QuietStops {
		return
	}
	for e.loops.Err() == nil {
		now := time.Now()
		if quiet := limits.Quiet.At(now); quiet != "" {
			e.stopForQuiet(quiet)
		}
		pause := time.Duration(-1)
		if next := limits.Quiet.Next(now); !next.IsZero() {
			pause = next.Sub(now)
		}
		if e.settings.ClockChanged == nil && (pause < 0 || pause > quietLook) {
			pause = quietLook
		}
		sleep(e.loops, pause, e.quiet)
	}
}

// stopForQuiet stops and undoes what runs.
func (e *Engine) stopForQuiet(quiet string) {
	why := &StopReason{State: Halted, Reason: "quiet hours have begun: " + quiet, Unstarted: Blocked}
	for _, r := range e.live.all() {
		if r.halt(why) {
			e.log.Warn("executor halted", "executor", r.executor.ID, "plan", r.executor.PlanID, "reason", why.Reason)
		}
	}
}

// quietAt says in words which quiet time t lies in, "" when it is none.
func (e *Engine) quietAt(t time.Time) string {
	if e.settings.Limits.Quiet == nil {
		return ""
	}
	return e.settings.Limits.Quiet.At(t)
}
