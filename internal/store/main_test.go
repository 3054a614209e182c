package store

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be its own child: see crash_test.go.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		fmt.Fprintln(os.Stderr, "the writer failed:", writeUntilKilled(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
