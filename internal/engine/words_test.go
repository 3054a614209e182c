package engine

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90*time.Second + time.Millisecond: "1m30s",
		47 * time.Hour:                    "47h0m0s",
		49 * time.Hour:                    "2 days",
		91311 * time.Hour:                 "10 years",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
