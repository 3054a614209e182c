//go:build !linux || !(amd64 || arm64)

package sandbox

import "time"

// Probe returns ErrUnsupported.
func Probe(func(func())) error { return ErrUnsupported }

// RestrictThread can't be done on this system.
func RestrictThread() (int, error) { return -1, ErrUnsupported }

// Supervisor can't be made on this system.
type Supervisor struct{}

// Supervise does nothing.
func Supervise(int, Policy) *Supervisor { return &Supervisor{} }

// End does nothing.
func (*Supervisor) End(time.Duration) bool { return true }

// Stuck returns "".
func (*Supervisor) Stuck() string { return "" }
