//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// Enabled says whether this build has failpoints.
const Enabled = true

// variable is the environment variable that says what fails.
const variable = "CMED_FAILPOINTS"

// point is one step with what it was told to do.
type point struct {
	rule rule
	hits atomic.Int64
}

// points holds the steps that do something. It is filled before main and never
// changes afterwards.
var points = map[string]*point{}

func init() {
	rules, err := parse(os.Getenv(variable))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", variable, err)
		os.Exit(2)
	}
	for name, r := range rules {
		points[name] = &point{rule: r}
	}
}

// Hit marks the step of that name and does what CMED_FAILPOINTS says for it. It
// returns an error only for an action error(...); after a kill it doesn't
// return.
func Hit(name string) error {
	p, set := points[name]
	if !set || !p.rule.applies(p.hits.Add(1)) {
		return nil
	}
	switch {
	case p.rule.kill:
		killSelf()
	case p.rule.sleep > 0:
		time.Sleep(p.rule.sleep)
	}
	if p.rule.err != nil {
		return fmt.Errorf("failpoint %s: %w", name, p.rule.err)
	}
	return nil
}

// killSelf sends SIGKILL to the process and waits for it to arrive.
func killSelf() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}
