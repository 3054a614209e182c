package compute

import (
	"context"
	"time"
)

// shortest is what must be left of a context's time for a part of it to be kept.
const shortest = time.Second

// Allowance is how long a driver lets one call take: limit at most, and four
// fifths of what is left until the deadline of ctx if that is less. So whoever set
// the deadline learns from the driver who gave no answer, rather than only that
// the time is over. Within the last second nothing is kept.
func Allowance(ctx context.Context, limit time.Duration) time.Duration {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return limit
	}
	left := time.Until(deadline)
	if left < shortest {
		return limit
	}
	return min(limit, (left * 4 / 5).Round(100*time.Millisecond))
}
