//go:build !linux

package landlock

// Version returns ErrUnsupported: Landlock is Linux's.
func Version() (int, error) { return 0, ErrUnsupported }

// Ruleset can't be made on this system.
type Ruleset struct{}

// New returns ErrUnsupported.
func New() (*Ruleset, error) { return nil, ErrUnsupported }

// Read allows reading and executing a file, or all beneath a folder.
func (*Ruleset) Read(string) error { return ErrUnsupported }

// Write allows reading, executing and changing a file, or all beneath a folder.
func (*Ruleset) Write(string) error { return ErrUnsupported }

// WriteIf is Write if where the path leads now is agreed to.
func (*Ruleset) WriteIf(string, func(string) error) error { return ErrUnsupported }

// RestrictThread puts the rules on the calling thread, for good.
func (*Ruleset) RestrictThread() error { return ErrUnsupported }

// Close frees the ruleset.
func (*Ruleset) Close() error { return nil }
