//go:build unix && !linux

package host

func onMainThread() bool { return false }

// hardenThread does nothing: threads have no rights of their own here.
func hardenThread() error { return nil }
