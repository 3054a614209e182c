package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// impatient runs an attack now, unless it has to wait for more than a second.
func (c client) impatient(t testing.TB, ref string, attackArgs args) string {
	t.Helper()
	_, ids := c.postPlan(t, with(planBody(ref, attackArgs, tomorrow()), map[string]any{"misfire_grace": "1s"}))
	c.move(t, ids[0], time.Now()) // which takes less time than planning it
	return ids[0]
}

// limit is the document of one limit in the status.
func (c client) limit(t testing.TB, name string) document {
	t.Helper()
	for _, l := range c.get(t, "/api/1/status").list("limits") {
		if l.text("name") == name {
			return l
		}
	}
	t.Fatalf("the status has no limit %s", name)
	return nil
}

func checkLimit(t testing.TB, d *daemon, name, limit, used string, reached bool) {
	t.Helper()
	l := d.limit(t, name)
	if l.text("limit") != limit || toJSON(t, l["used"]) != used || l["reached"] != reached {
		t.Errorf("%s: %v, want %s, used %s, reached %v", name, l, limit, used, reached)
	}
	says(t, "the metrics", d.metrics(t), fmt.Sprintf("\ncmed_limit_reached{limit=%q} %d\n", name, map[bool]int{true: 1}[reached]))
}

func TestStatusDocument(t *testing.T) {
	t.Parallel()
	d := start(t, withoutPlugins(), withArgs("--max-runs-per-ref=7", "--deny-attack=a:*", "--deny-attack=b:B",
		"--quiet-date=2099-12-24", "--irreversible=ask"))
	doc := d.get(t, "/api/1/status")
	checkMembers(t, "the status", doc, "version timezone lever irreversible limits runs undos totals _links")
	for member, names := range map[string]string{
		"lever":  "engaged by reason at released_by released_at durable halt_file stopping undoing stop _links",
		"runs":   "live undoing",
		"undos":  "open undoing undone kept failed abandoned unsettled",
		"totals": "undo_attempts undos_failed halts last_halt_gone_ms last_halt_undone_ms",
		"_links": "self halt executors undos ready metrics",
	} {
		part, _ := doc[member].(map[string]any)
		checkMembers(t, "its "+member, part, names)
	}
	if doc.text("irreversible") != "ask" || doc.text("timezone") != "Europe/Madrid" {
		t.Errorf("%v", doc)
	}
	want := map[string][2]string{
		"max-concurrent-runs": {"128", "0"}, "max-runs-per-ref": {"7", "0"}, "max-runs-per-plan": {"100", "0"},
		"max-runs-per-hour": {"10000", "0"}, "max-open-undos": {"10000", "0"}, "allow-attack": {"none", "null"},
		"deny-attack": {"a:*, b:B", "null"}, "quiet-hours": {"2099-12-24 Europe/Madrid", "null"},
	}
	for _, l := range doc.list("limits") {
		checkMembers(t, "a limit", l, "name limit used reached")
		w, known := want[l.text("name")]
		if !known || l.text("limit") != w[0] || toJSON(t, l["used"]) != w[1] || l["reached"] != false {
			t.Errorf("%v, want %v", l, w)
		}
		delete(want, l.text("name"))
	}
	if len(want) > 0 {
		t.Errorf("missing are %v", want)
	}
	says(t, "the daemon's log", d.stderr.String(), "attacks that can't be undone: their plans must say allow_irreversible")
}

// Over a limit of runs at once an executor waits for its place, and is missed
// when it waited too long.
func TestRunsPerRef(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--max-runs-per-ref=1"))
	first := d.attack(t, "e2e:Sleep", args{"for": "10m"}, time.Now())
	d.await(t, first, "running")
	checkLimit(t, d, "max-runs-per-ref", "1", "1", true)
	patient := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now())
	tired := d.impatient(t, "e2e:Sleep", args{"for": "1ms"})
	other := d.attack(t, "e2e:Count", args{"file": filepath.Join(d.dir, "counted")}, time.Now())
	d.await(t, other, "succeeded") // one that waits does not hold up those behind it
	says(t, "the one that waited too long", d.await(t, tired, "missed").Reason, "1 run of e2e:Sleep", "--max-runs-per-ref")
	if e := d.executor(t, patient); e.State != "scheduled" {
		t.Errorf("the one that waits is %s: %s", e.State, e.Reason)
	}
	d.halt(t, first)
	d.await(t, patient, "succeeded")
}

func TestRunsPerPlan(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--max-runs-per-plan=1"))
	ids := d.many(t, "e2e:Sleep", args{"for": "10m"}, 2, "2s")
	for _, id := range ids {
		d.move(t, id, time.Now())
	}
	d.await(t, ids[0], "running")
	checkLimit(t, d, "max-runs-per-plan", "1", "1", true)
	says(t, "the second one", d.await(t, ids[1], "missed").Reason, "--max-runs-per-plan")
	other := d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now())
	d.await(t, other, "succeeded")
}

// Over a rate an executor is blocked, also by a daemon that was started since.
func TestRunsPerHour(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--max-runs-per-hour=1"))
	counted := filepath.Join(d.dir, "counted")
	attack := func() string { return d.attack(t, "e2e:Count", args{"file": counted}, time.Now()) }
	d.await(t, attack(), "succeeded")
	checkLimit(t, d, "max-runs-per-hour", "1", "1", true)
	says(t, "the second one", d.await(t, attack(), "blocked").Reason, "--max-runs-per-hour")
	d.kill(t)
	d.restart(t)
	checkLimit(t, d, "max-runs-per-hour", "1", "1", true)
	says(t, "the one after a restart", d.await(t, attack(), "blocked").Reason, "--max-runs-per-hour")
	if n := len(linesOf(t, counted)); n != 1 {
		t.Errorf("%d have run", n)
	}
}

// When there is too much to undo, nothing starts that would add to it.
func TestOpenUndos(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--max-open-undos=1"))
	first := d.attack(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "a")}, time.Now())
	d.awaitUndo(t, first, "open")
	checkLimit(t, d, "max-open-undos", "1", "1", true)
	tired := d.impatient(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "b")})
	patient := d.attack(t, "e2e:Harm", args{"file": filepath.Join(d.dir, "c")}, time.Now())
	d.await(t, d.attack(t, "e2e:Sleep", args{"for": "1ms"}, time.Now()), "succeeded")
	says(t, "the second one", d.await(t, tired, "missed").Reason, "--max-open-undos")
	d.post(t, undosPath+first+"-1/retry", nil, http.StatusAccepted)
	d.await(t, patient, "succeeded")
	if left := harmLeft(t, filepath.Join(d.dir, "b")); len(left) > 0 {
		t.Errorf("one that was missed did harm: %v", left)
	}
}

// Within one run no more records are taken than the limit has room for.
func TestOpenUndosWithinARun(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--max-open-undos=2"))
	file := filepath.Join(d.dir, "harm")
	id := d.attack(t, "e2e:Harm", args{"file": file, "count": 3, "hold": "10m"}, time.Now())
	says(t, "the run", d.await(t, id, "failed").Reason, "--max-open-undos")
	d.awaitUndo(t, id, "undone")
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
}

// What may not run is refused when it is planned, and blocked when it was
// planned before.
func TestWhatMayNotRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag   string
		ref    string
		status int
		words  []string
	}{
		{"--deny-attack=e2e:F*", "e2e:Final", http.StatusForbidden, []string{"e2e:Final", "--deny-attack e2e:F*"}},
		{"--allow-attack=e2e:C*", "e2e:Final", http.StatusForbidden, []string{"e2e:Final", "--allow-attack"}},
		{"--irreversible=deny", "e2e:Final", http.StatusForbidden, []string{"e2e:Final can't be undone", "--irreversible=deny"}},
		{"--irreversible=ask", "e2e:Final", http.StatusBadRequest, []string{`"allow_irreversible": true`, "--irreversible=ask"}},
	} {
		t.Run(c.flag, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			counted := filepath.Join(d.dir, "counted")
			attackArgs := args{"file": counted}
			id := d.attack(t, c.ref, attackArgs, tomorrow()) // there is no such rule yet
			d.stop(t)
			d.restart(t, withArgs(c.flag))
			stored := d.stored(t)
			a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: planBody(c.ref, attackArgs, time.Now())})
			checkProblem(t, a, c.status, "")
			says(t, "the refusal", a.doc(t).text("msg"), c.words...)
			if now := d.stored(t); now != stored {
				t.Errorf("something was stored: %s", now)
			}
			d.move(t, id, time.Now())
			says(t, "the one of before", d.await(t, id, "blocked").Reason, c.words...)
			if n := len(linesOf(t, counted)); n != 0 {
				t.Errorf("%d have run", n)
			}
			d.await(t, d.attack(t, "e2e:Count", attackArgs, time.Now()), "succeeded") // what the rule does not mean
		})
	}
}

func TestAPlanThatAllowsTheIrreversible(t *testing.T) {
	t.Parallel()
	d := start(t, withArgs("--irreversible=ask"))
	counted := filepath.Join(d.dir, "counted")
	body := with(planBody("e2e:Final", args{"file": counted}, time.Now()), map[string]any{"allow_irreversible": true})
	plan, ids := d.postPlan(t, body)
	d.await(t, ids[0], "succeeded")
	if doc := d.get(t, "/api/1/plans/"+plan); doc["allow_irreversible"] != true {
		t.Errorf("%v", doc)
	}
	if n := len(linesOf(t, counted)); n != 1 {
		t.Errorf("%d have run", n)
	}
}

// In quiet hours nothing starts; what is due in them is blocked.
func TestQuietHours(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	window := now.Add(-time.Hour).Format("15:04") + "-" + now.Add(2*time.Hour).Format("15:04")
	d := start(t, withArgs("--quiet-hours="+window, "--quiet-timezone=UTC"))
	says(t, "the limit", d.limit(t, "quiet-hours").text("limit"), window, "UTC")
	checkLimit(t, d, "quiet-hours", window+" UTC", "null", true)
	counted := filepath.Join(d.dir, "counted")
	id := d.attack(t, "e2e:Count", args{"file": counted}, time.Now())
	says(t, "the one that was due", d.await(t, id, "blocked").Reason, "quiet hours", window, "UTC")

	d.stop(t)
	other := now.Add(4*time.Hour).Format("15:04") + "-" + now.Add(5*time.Hour).Format("15:04")
	d.setup.args = nil
	d.restart(t, withArgs("--quiet-hours="+other, "--quiet-timezone=UTC"))
	checkLimit(t, d, "quiet-hours", other+" UTC", "null", false)
	d.move(t, id, time.Now())
	d.await(t, id, "succeeded")
	if n := len(linesOf(t, counted)); n != 1 {
		t.Errorf("%d have run", n)
	}
}
