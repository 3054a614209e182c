package plugincheck

import "time"

// Outcome is what came of a check.
type Outcome string

// The outcomes. A check that could not be made, for whatever reason, is NotRun,
// never Passed.
const (
	Passed Outcome = "passed"
	Failed Outcome = "failed"
	NotRun Outcome = "not_run"
)

// Finding is what came of one check, of the whole plugin or of one ref.
type Finding struct {
	// Check names what was checked: a short constant such as "stop-in-grace".
	Check string `json:"check"`
	Ref   string `json:"ref,omitempty"`
	// Title says what is demanded, in words.
	Title   string  `json:"title"`
	Outcome Outcome `json:"outcome"`
	// Message says what was found, or why the check was not run.
	Message string `json:"message,omitempty"`
	// Hint says how to mend it.
	Hint string        `json:"hint,omitempty"`
	Took time.Duration `json:"took_ns"`
}

// Report is what a check of one plugin file found.
type Report struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"`
	SDK    string `json:"sdk,omitempty"`
	Live   bool   `json:"live"`
	// Sandboxed says whether the plugin was kept from the network and from files.
	Sandboxed bool      `json:"sandboxed"`
	Refs      []string  `json:"refs"`
	Findings  []Finding `json:"findings"`
	// Error says why the file could not be checked, or not to the end.
	Error string `json:"error,omitempty"`
}

// Fit says whether the file was checked and nothing failed.
func (r *Report) Fit() bool { return r.Error == "" && r.Count(Failed) == 0 }

// Count returns how many checks had an outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, f := range r.Findings {
		if f.Outcome == o {
			n++
		}
	}
	return n
}
