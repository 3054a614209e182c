package torture

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// burst posts plans whose executors are due within one second from a time on.
// Each adds a durable line to the file.
func (d *daemon) burst(file string, n int, from time.Time) []plan {
	d.t.Helper()
	plans := make([]plan, n)
	seats := make(chan struct{}, 8)
	failed := make(chan error, n)
	for i := range n {
		seats <- struct{}{}
		go func() {
			defer func() { <-seats }()
			at := from.Add(time.Duration(i) * time.Second / time.Duration(n))
			a, err := d.trySend("POST", "/api/1/plans/", map[string]any{
				"name": fmt.Sprint(i), "attack": map[string]any{"ref": "e2e:Count", "args": map[string]any{"file": file}},
				"planner": map[string]any{"ref": "exact_planner:ExactPlanner", "args": map[string]any{"date": at.UTC().Format(time.RFC3339Nano)}},
			})
			if err == nil && a.StatusCode != 200 {
				err = fmt.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if err != nil {
				failed <- err
				return
			}
			plans[i].ID = between(string(a.body), `"id":"`, `"`)
		}()
	}
	for range cap(seats) {
		seats <- struct{}{}
	}
	if len(failed) > 0 {
		d.t.Fatalf("%d plans were refused: %v", len(failed), <-failed)
	}
	return plans
}

// TestAThousandDueInOneSecondRunOnceEach counts the runs by a file that the
// attack itself makes durable, never by the store.
func TestAThousandDueInOneSecondRunOnceEach(t *testing.T) {
	const n = 1000
	d := started(t)
	file := d.path("count")
	d.burst(file, n, time.Now().Add(45*time.Second))
	peak := d.watchMemory()
	if !eventually(3*time.Minute, func() bool { return linesOf(t, file) >= n }) {
		t.Errorf("%d of %d ran", linesOf(t, file), n)
	}
	var pending []executor
	if !eventually(30*time.Second, func() bool { pending = d.executors(t, ""); return len(pending) == 0 }) {
		t.Errorf("%d still pending", len(pending))
	}
	ran := ranOnce(t, file)
	for _, e := range d.executors(t, "executed=true") {
		if e.State != "succeeded" || !ran[e.ID] {
			t.Errorf("%s is %s (%s), ran: %v", e.ID, e.State, e.Reason, ran[e.ID])
		}
	}
	most := peak()
	t.Logf("the daemon's own process had at most %d MiB", most>>20)
	if !raceEnabled && most > 150<<20 {
		t.Errorf("the daemon's own process had %d MiB, the limit is 150", most>>20)
	}
	d.isClean()
	d.isIdle()
	d.stop()
}

// TestABurstSurvivesAKill kills the daemon before, during and after a burst. All
// executors are accounted for: none ran twice, and those that ran and those that
// did not are told apart as the states promise.
func TestABurstSurvivesAKill(t *testing.T) {
	const n = 150
	for name, killAt := range map[string]int{"before": 0, "during": n / 3, "late in": n - 10, "after": n} {
		t.Run(name, func(t *testing.T) {
			d := started(t, "--stop-grace=3s")
			file := d.path("count")
			d.burst(file, n, time.Now().Add(10*time.Second))
			if killAt > 0 && !eventually(2*time.Minute, func() bool { return linesOf(t, file) >= killAt }) {
				t.Fatalf("%d of %d ran", linesOf(t, file), killAt)
			}
			d.kill()
			d.start()
			var pending []executor
			if !eventually(2*time.Minute, func() bool { pending = d.executors(t, ""); return len(pending) == 0 }) {
				t.Fatalf("%d still pending", len(pending))
			}
			ran := ranOnce(t, file)
			all := d.executors(t, "executed=true")
			if len(all) != n {
				t.Errorf("%d executors, want %d", len(all), n)
			}
			states := map[string]int{}
			for _, e := range all {
				states[e.State]++
				switch {
				case e.State == "succeeded" && !ran[e.ID], e.State == "missed" && ran[e.ID]:
					t.Errorf("%s is %s, ran: %v", e.ID, e.State, ran[e.ID])
				case e.State != "succeeded" && e.State != "lost":
					t.Errorf("%s is %s (%s)", e.ID, e.State, e.Reason)
				}
			}
			t.Logf("%v, %d ran", states, len(ran))
			if killAt == 0 && states["lost"] > 0 {
				t.Errorf("%d lost though nothing was due yet", states["lost"])
			}
			d.stop()
			d.isClean()
		})
	}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// ranOnce checks that no id is in the file twice and returns how many there are.
func ranOnce(t *testing.T, file string) map[string]bool {
	t.Helper()
	content, err := os.ReadFile(file) //nolint:gosec // the test's own file
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for id := range strings.FieldsSeq(string(content)) {
		if seen[id] {
			t.Errorf("executor %s ran twice", id)
		}
		seen[id] = true
	}
	return seen
}
