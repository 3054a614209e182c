package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/quiet"
)

// limiting bounds what all plans together may do.
var limiting = []option{
	{
		name: "max-runs-per-ref", kind: "number", fallback: "100",
		usage: "how many runs of one attack may be alive at once; 0: no limit",
		set:   setLimit(func(c *config) *int { return &c.limits.RunsPerRef }),
	}, {
		name: "max-runs-per-plan", kind: "number", fallback: "100",
		usage: "how many runs of one plan may be alive at once; 0: no limit",
		set:   setLimit(func(c *config) *int { return &c.limits.RunsPerPlan }),
	}, {
		name: "max-runs-per-hour", kind: "number", fallback: "10000",
		usage: "how many runs may be started in any 60 minutes; beyond it executors are blocked; 0: no limit",
		set:   setLimit(func(c *config) *int { return &c.limits.RunsPerHour }),
	}, {
		name: "max-open-undos", kind: "number", fallback: "10000",
		usage: "how many undo records may be unsettled; beyond it nothing starts that would add to them; 0: no limit",
		set:   setLimit(func(c *config) *int { return &c.limits.OpenUndos }),
	}, {
		name: "allow-attack", kind: "glob", repeats: true,
		usage: "attacks that may run, such as 'toxiproxy:*'; given once or more, no others may",
		set:   setPattern(func(c *config) *[]string { return &c.limits.Allow }),
	}, {
		name: "deny-attack", kind: "glob", repeats: true,
		usage: "attacks that may not run, whatever is allowed",
		set:   setPattern(func(c *config) *[]string { return &c.limits.Deny }),
	}, {
		name: "irreversible", kind: "policy", fallback: string(engine.IrreversibleAllow),
		usage: "what becomes of attacks that can't be undone: allow; ask (their plans must say allow_irreversible) or deny",
		set:   setPolicy,
	}, {
		name: "quiet-hours", kind: "window", repeats: true,
		usage: "when nothing starts, such as Mon-Fri@09:00-17:00 or, every day, 22:00-06:00",
		set:   setQuietHours,
	}, {
		name: "quiet-date", kind: "date", repeats: true,
		usage: "date on which nothing starts, such as 2026-12-24 or 2026-12-24..2026-12-26",
		set:   setQuietDate,
	}, {
		name: "quiet-timezone", kind: "zone",
		usage: "zone of quiet hours and dates (default: --timezone)",
		set:   setZone(func(c *config) **time.Location { return &c.quietZone }),
	}, {
		name: "quiet-stop", kind: "bool", fallback: "false",
		usage: "stop and undo what runs when a quiet time begins",
		set:   setTruth(func(c *config) *bool { return &c.limits.QuietStops }),
	},
}

func setLimit(into field[int]) func(*config, string) error { return setNumber(0, 1_000_000, into) }

func setPattern(into field[[]string]) func(*config, string) error {
	return func(c *config, s string) error {
		_, err := path.Match(s, "")
		if err != nil || s == "" || strings.ContainsAny(s, " \t\r\n") {
			return fmt.Errorf("%q is not a pattern of attack refs: write one such as terminate_*:* or toxiproxy:Latency", s)
		}
		*into(c) = append(*into(c), s)
		return nil
	}
}

func setPolicy(c *config, s string) error {
	policies := []engine.IrreversiblePolicy{engine.IrreversibleAllow, engine.IrreversibleAsk, engine.IrreversibleDeny}
	if !slices.Contains(policies, engine.IrreversiblePolicy(s)) {
		return fmt.Errorf("%q is not one of allow, ask, deny", s)
	}
	c.limits.Irreversible = engine.IrreversiblePolicy(s)
	return nil
}

func setQuietHours(c *config, s string) error {
	window, err := quiet.ParseWindow(s)
	c.quietHours = append(c.quietHours, window)
	return err
}

func setQuietDate(c *config, s string) error {
	dates, err := quiet.ParseDates(s)
	c.quietDates = append(c.quietDates, dates)
	return err
}

// completeLimits puts the quiet times together.
func (c *config) completeLimits() error {
	if len(c.quietHours)+len(c.quietDates) > 0 {
		zone := c.quietZone
		if zone == nil {
			zone = c.zone
		}
		c.limits.Quiet = quiet.New(zone, c.quietHours, c.quietDates)
		return nil
	}
	if c.limits.QuietStops || c.quietZone != nil {
		return usagef("%w", errors.New("--quiet-stop and --quiet-timezone need --quiet-hours or --quiet-date"))
	}
	return nil
}
