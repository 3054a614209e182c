package sdk

import "fmt"

// maxCheckWarnings is how many warnings of one check are passed on.
const maxCheckWarnings = 100

// CheckCall is what Attack.Check works with, besides the args. It is for one
// goroutine only.
type CheckCall struct{ warnings []string }

// Warn says something to whoever makes the plan, which is made all the same.
// The first 100 warnings of a call are passed on.
func (c *CheckCall) Warn(format string, args ...any) {
	if len(c.warnings) < maxCheckWarnings {
		c.warnings = append(c.warnings, text(fmt.Sprintf(format, args...)))
	}
}
