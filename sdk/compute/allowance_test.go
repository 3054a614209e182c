package compute

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAllowance(t *testing.T) {
	for _, c := range []struct {
		rule        string
		left, limit time.Duration // left 0: no deadline
		want        time.Duration
	}{
		{"no deadline", 0, time.Minute, time.Minute},
		{"a deadline far away", time.Hour, time.Minute, time.Minute},
		{"a near one leaves time for words", 10 * time.Second, time.Minute, 8 * time.Second},
		{"a limit that is nearer", 10 * time.Second, 5 * time.Second, 5 * time.Second},
		{"the shortest of which a part is kept", time.Second, time.Minute, 800 * time.Millisecond},
		{"too little to keep some", 999 * time.Millisecond, time.Minute, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if c.left > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.left)
				defer cancel()
			}
			if got := Allowance(ctx, c.limit); got != c.want {
				t.Errorf("%s: %s, want %s", c.rule, got, c.want)
			}
		})
	}
}
