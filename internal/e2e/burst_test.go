package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// burstLimit bounds a burst of a thousand runs, on a machine that does much
// else, with the race detector in the daemon.
const burstLimit = 4 * time.Minute

// TestAThousandDueInOneSecondRunOnceEach counts the runs by a file that the
// attack itself makes durable, never by the store.
func TestAThousandDueInOneSecondRunOnceEach(t *testing.T) {
	const n = 1000
	d := start(t)
	file := filepath.Join(d.dir, "count")
	d.burst(t, file, n, 60*time.Second)
	peak := d.watchMemory()
	waitFor(t, burstLimit, "the runs", func() bool { return len(linesOf(t, file)) >= n })
	waitFor(t, patience, "the ends of the runs", func() bool { return len(d.executors(t, "")) == 0 })
	most := peak()
	ran := ranOnce(t, file)
	for _, e := range d.executors(t, "?executed=true") {
		if e.State != "succeeded" || !ran[e.ID] {
			t.Errorf("%s is %s (%s), ran: %v", e.ID, e.State, e.Reason, ran[e.ID])
		}
	}
	t.Logf("the daemon's own process had at most %d MiB", most>>20)
	if !raceEnabled && most > 150<<20 {
		t.Errorf("the daemon's own process had %d MiB, the limit is 150", most>>20)
	}
	d.checkClean(t)
	d.checkIdle(t)
}

// TestABurstSurvivesAKill kills the daemon before, during and after a burst. All
// executors are accounted for: none ran twice, and those that ran and those that
// did not are told apart as the states promise.
func TestABurstSurvivesAKill(t *testing.T) {
	const n = 120
	for name, killAt := range map[string]int{"before": 0, "during": n / 3, "late in": n - 10, "after": n} {
		t.Run(name, func(t *testing.T) {
			d := start(t, withArgs("--stop-grace=3s"))
			file := filepath.Join(d.dir, "count")
			d.burst(t, file, n, 15*time.Second)
			waitFor(t, burstLimit, "the runs", func() bool { return len(linesOf(t, file)) >= killAt })
			d.kill(t)
			d.restart(t)
			waitFor(t, burstLimit, "all to be settled", func() bool { return len(d.executors(t, "")) == 0 })
			states := checkAccounts(t, d.executors(t, "?executed=true"), ranOnce(t, file), n)
			t.Logf("%v", states)
			if killAt == 0 && states["succeeded"] != n {
				t.Errorf("nothing was due yet, and still %v", states)
			}
		})
	}
}

// checkAccounts compares what is on record with what really ran, and counts the
// states.
func checkAccounts(t *testing.T, all []executor, ran map[string]bool, n int) map[string]int {
	t.Helper()
	if len(all) != n {
		t.Errorf("%d executors, want %d", len(all), n)
	}
	states := map[string]int{}
	for _, e := range all {
		states[e.State]++
		switch {
		case e.State != "succeeded" && e.State != "lost":
			t.Errorf("%s is %s (%s)", e.ID, e.State, e.Reason)
		case e.State == "succeeded" && !ran[e.ID]:
			t.Errorf("%s is on record as succeeded, and never ran", e.ID)
		case e.State == "lost" && (e.Started == nil || e.Reason == ""):
			t.Errorf("%s is lost, started %v, reason %q", e.ID, e.Started, e.Reason)
		}
	}
	return states
}

// burst posts n plans whose executors are due within one second, some time from
// now. Each adds a durable line to the file.
func (d *daemon) burst(t *testing.T, file string, n int, after time.Duration) {
	t.Helper()
	from := time.Now().Add(after)
	seats := make(chan struct{}, 8)
	var group sync.WaitGroup
	for i := range n {
		seats <- struct{}{}
		group.Go(func() {
			defer func() { <-seats }()
			at := from.Add(time.Duration(i) * time.Second / time.Duration(n))
			a, err := d.try(request{
				method: http.MethodPost, path: "/api/1/plans/", body: planBody("e2e:Count", args{"file": file}, at),
			})
			if err == nil && a.status != http.StatusOK {
				err = fmt.Errorf("status %d: %s", a.status, a.body)
			}
			if err != nil {
				t.Errorf("post a plan: %v", err)
			}
		})
	}
	group.Wait()
	if left := time.Until(from); left < 0 {
		t.Fatalf("posting took %s too long: the burst was none", -left)
	}
}

// ranOnce checks that no run is in the file twice and returns those that are.
func ranOnce(t *testing.T, file string) map[string]bool {
	t.Helper()
	ran := map[string]bool{}
	for _, id := range linesOf(t, file) {
		if ran[id] {
			t.Errorf("executor %s ran twice", id)
		}
		ran[id] = true
	}
	return ran
}
