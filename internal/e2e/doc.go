// Package e2e tests the real daemon with real plugin binaries over loopback:
// what the API promises, and what must hold when the daemon, a plugin or both
// are killed at any step. It holds tests only.
package e2e
