package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	leverPath    = "/api/1/halt"
	leverMembers = "engaged by reason at released_by released_at durable halt_file stopping undoing stop _links msg"
)

// engage puts the lever in.
func (c client) engage(t testing.TB, by, reason string) document {
	t.Helper()
	return c.put(t, leverPath, map[string]any{"by": by, "reason": reason}, http.StatusOK)
}

// awaitRest waits until the lever has stopped and undone everything.
func (c client) awaitRest(t testing.TB) document {
	t.Helper()
	var lever document
	waitFor(t, patience, "everything to be at rest", func() bool {
		lever = c.get(t, leverPath)
		return lever.at("stop/undone_ms") != nil && lever["durable"] == true
	})
	return lever
}

func TestLeverDocument(t *testing.T) {
	t.Parallel()
	d := start(t)
	never := d.get(t, leverPath)
	checkMembers(t, "a lever that nobody touched", never, leverMembers)
	for name, want := range map[string]string{
		"engaged": "false", "by": `""`, "reason": `""`, "at": "null", "released_by": `""`, "released_at": "null",
		"durable": "true", "halt_file": "null", "stopping": "0", "undoing": "0", "stop": "null",
	} {
		if got := toJSON(t, never[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	links := document{
		"self": linkTo(leverPath), "executors": linkTo("/api/1/executors/"),
		"undos": linkTo("/api/1/undos/"), "status": linkTo("/api/1/status"),
	}
	if got, want := toJSON(t, never["_links"]), toJSON(t, links); got != want {
		t.Errorf("links %s, want %s", got, want)
	}

	engaged := d.engage(t, "ana", "the shop is down")
	checkMembers(t, "the engaged lever", engaged, leverMembers)
	if engaged["engaged"] != true || engaged.text("by") != "ana" || engaged.text("reason") != "the shop is down" ||
		engaged["durable"] != true || engaged["at"] == nil {
		t.Errorf("%v", engaged)
	}
	again := d.engage(t, "bob", "me too")
	checkMembers(t, "the lever engaged again", again, leverMembers+" _warnings")
	if again.text("by") != "ana" || again.text("reason") != "the shop is down" || again["at"] != engaged["at"] {
		t.Errorf("somebody else's call changed it: %v", again)
	}
	d.awaitRest(t)

	released := d.delete(t, leverPath+"?by=bob", http.StatusOK)
	checkMembers(t, "the released lever", released, leverMembers)
	if released["engaged"] != false || released.text("by") != "ana" || released.text("released_by") != "bob" || released["released_at"] == nil {
		t.Errorf("%v", released)
	}
	if again := d.delete(t, leverPath, http.StatusOK); again["released_at"] != released["released_at"] || again.text("released_by") != "bob" {
		t.Errorf("released again it says %v", again)
	}
}

// The lever stops and undoes what runs, and blocks what is due meanwhile, across
// a SIGKILL of the daemon, until it is released.
func TestTheLeverStopsUndoesAndBlocks(t *testing.T) {
	t.Parallel()
	d := start(t)
	file, counted := filepath.Join(d.dir, "harm"), filepath.Join(d.dir, "counted")
	running := d.attack(t, "e2e:Harm", args{"file": file, "count": 3, "hold": "10m"}, time.Now())
	waitForFile(t, file+".2")
	meanwhile := d.attack(t, "e2e:Count", args{"file": counted}, time.Now().Add(2*time.Second))
	afterwards := d.attack(t, "e2e:Count", args{"file": counted}, tomorrow())
	d.engage(t, "ana", "the shop is down")
	words := func(what, text string) { t.Helper(); says(t, what, text, "ana", "the shop is down") }

	e := d.await(t, running, "halted")
	words("the one that ran", e.Reason)
	d.awaitUndo(t, running, "undone")
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
	lever := d.awaitRest(t)
	stop, _ := lever.at("stop").(map[string]any)
	checkMembers(t, "the stop", stop, "runs gone_ms undone_ms not_undone")
	gone, _ := lever.at("stop/gone_ms").(float64)
	undone, _ := lever.at("stop/undone_ms").(float64)
	if toJSON(t, stop["runs"]) != "1" || gone <= 0 || undone < gone || toJSON(t, lever["stopping"]) != "0" || toJSON(t, lever["undoing"]) != "0" {
		t.Errorf("the stop is %v", lever)
	}
	says(t, "the metrics", d.metrics(t), "\ncmed_lever_engaged 1\n", "\ncmed_halts_total 1\n", "\ncmed_runs_live 0\n")
	words("the one that was due meanwhile", d.await(t, meanwhile, "blocked").Reason)
	d.checkClean(t)

	d.kill(t)
	d.restart(t)
	says(t, "the greeting", d.stdout.String(), "lever engaged by ana")
	if again := d.get(t, leverPath); toJSON(t, again) != toJSON(t, lever) {
		t.Errorf("after a SIGKILL the lever is\n%v\nbefore\n%v", again, lever)
	}
	ready := d.get(t, "/readyz") // it answers, and can be released
	checkMembers(t, "readiness", ready, "status lever reason by")
	words("readiness", toJSON(t, ready))
	fresh := d.attack(t, "e2e:Count", args{"file": counted}, time.Now())
	words("a new one", d.await(t, fresh, "blocked").Reason)

	d.delete(t, leverPath, http.StatusOK)
	for _, id := range []string{meanwhile, afterwards} { // one is due anew, one sooner
		d.move(t, id, time.Now())
		d.await(t, id, "succeeded")
	}
	if n := len(linesOf(t, counted)); n != 2 {
		t.Errorf("%d have run, want 2", n)
	}
	if e := d.executor(t, fresh); e.State != "blocked" {
		t.Errorf("the blocked one became %s by itself", e.State)
	}
}

// From the moment the call is answered nothing starts, whatever happens to the
// daemon after it.
func TestAnAnsweredHaltSurvivesASIGKILL(t *testing.T) {
	t.Parallel()
	d := start(t)
	for round := range 4 {
		counted := filepath.Join(d.dir, fmt.Sprint("counted.", round))
		due := time.Now().Add(800 * time.Millisecond)
		id := d.attack(t, "e2e:Count", args{"file": counted}, due)
		if round%2 == 1 { // in the lead time, when it is claimed and its process waits
			waitFor(t, patience, "the claim", func() bool { return d.executor(t, id).State != "scheduled" })
		}
		reason := fmt.Sprintf("round %d", round)
		d.engage(t, "ana", reason)
		late := !time.Now().Before(due) // it may have started before the call was answered
		d.kill(t)
		d.restart(t)
		if lever := d.get(t, leverPath); lever["engaged"] != true || lever.text("reason") != reason {
			t.Fatalf("after the restart the lever is %v", lever)
		}
		// That a claimed one may have run can't be excluded by the next daemon
		// when its time has come: then it is lost, and not run either.
		var e executor
		waitFor(t, patience, "its end", func() bool { e = d.executor(t, id); return e.Executed })
		switch n := len(linesOf(t, counted)); {
		case late:
			t.Logf("round %d took too long to tell anything", round)
		case n > 0 || e.State != "blocked" && e.State != "lost":
			t.Errorf("it is %s (%s) and has run %d times", e.State, e.Reason, n)
		}
		d.delete(t, leverPath, http.StatusOK)
	}
}

// Many clients halt while many executors fall due. Each of these has started
// before the first answer, or is blocked.
func TestNothingStartsOnceAHaltIsAnswered(t *testing.T) {
	t.Parallel()
	const executors, clients, apart = 12, 8, 8 * time.Millisecond
	d := start(t)
	counted := filepath.Join(d.dir, "counted")
	ids := d.many(t, "e2e:Count", args{"file": counted}, executors, "1m")
	due := time.Now().Add(time.Second)
	for i, id := range ids {
		d.move(t, id, due.Add(time.Duration(i)*apart))
	}
	answers := make(chan error, clients)
	waitFor(t, patience, "half of them to be due", func() bool { return time.Since(due) > executors/2*apart })
	for i := range clients {
		go func() {
			a, err := d.try(request{method: http.MethodPut, path: leverPath, body: map[string]any{"by": fmt.Sprint("client ", i)}})
			if err == nil && (a.status != http.StatusOK || !strings.Contains(string(a.body), `"engaged":true`)) {
				err = fmt.Errorf("status %d: %s", a.status, a.body)
			}
			answers <- err
		}()
	}
	var first time.Time
	for range clients {
		if err := <-answers; err != nil {
			t.Error(err)
		}
		if first.IsZero() {
			first = time.Now()
		}
	}
	by := d.awaitRest(t).text("by")
	started := 0
	for _, id := range ids {
		e := d.await(t, id, "blocked", "succeeded", "halted")
		if e.State == "blocked" {
			says(t, "a blocked one", e.Reason, by)
			continue
		}
		started++
		if at, err := time.Parse(time.RFC3339, *e.Started); err != nil || at.After(first) {
			t.Errorf("one started at %s, the halt was answered at %s: %v", *e.Started, first, err)
		}
	}
	if ran := len(linesOf(t, counted)); ran > started {
		t.Errorf("%d have run, %d of them on record", ran, started)
	}
	t.Logf("%d of %d had started", started, executors)
	if halts := toJSON(t, d.get(t, "/api/1/status").at("totals/halts")); halts != "1" {
		t.Errorf("%s halts were counted", halts)
	}
}

// A halt takes back what earlier runs left, too, whatever its time.
func TestAHaltTakesBackWhatEarlierRunsLeft(t *testing.T) {
	t.Parallel()
	d := start(t)
	file := filepath.Join(d.dir, "harm")
	now := d.attack(t, "e2e:Harm", args{"file": file}, time.Now())
	later := d.attack(t, "e2e:Harm", args{"file": file + ".later", "undo_in": "1h"}, time.Now())
	for _, id := range []string{now, later} {
		d.await(t, id, "succeeded")
		d.awaitUndo(t, id, "open")
	}
	d.engage(t, "ana", "enough")
	for _, id := range []string{now, later} {
		if e := d.awaitUndo(t, id, "undone"); e.State != "succeeded" {
			t.Errorf("a run that had ended became %s", e.State)
		}
	}
	if left := append(harmLeft(t, file), harmLeft(t, file+".later")...); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
}
