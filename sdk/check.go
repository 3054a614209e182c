package sdk

import (
	"encoding/json"
	"fmt"
)

// maxCheckWarnings is how many warnings of one check are passed on.
const maxCheckWarnings = 100

// CheckCall is what Attack.Check works with, besides the args. It is for one
// goroutine only.
type CheckCall struct {
	config   json.RawMessage
	warnings []string
}

// Config is the attack's whole config as it was posted, as in Run.Config.
func (c *CheckCall) Config() json.RawMessage { return c.config }

// Warn says something to whoever makes the plan, which is made all the same.
// The first 100 warnings of a call are passed on.
func (c *CheckCall) Warn(format string, args ...any) {
	if len(c.warnings) < maxCheckWarnings {
		c.warnings = append(c.warnings, text(fmt.Sprintf(format, args...)))
	}
}
