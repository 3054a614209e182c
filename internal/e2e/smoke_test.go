package e2e

import (
	"testing"
	"time"
)

func TestAnAttackRunsAtItsTime(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now().Add(500*time.Millisecond))
	e := d.await(t, id, "succeeded")
	if e.LagMillis < 0 {
		t.Errorf("it began %f ms early", -e.LagMillis)
	}
	d.checkClean(t)
}
