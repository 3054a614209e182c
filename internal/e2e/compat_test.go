package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// oldRelease is the folder with a plugin of the first release.
const oldRelease = "testdata/sdk-0.1.0"

// oldDigest is the SHA-256 of the plugin, as its README has it.
const oldDigest = "f3b43490e1f55078648f25db5e2c70cfa01d5a277d58779e742d867eb61b49b0"

// oldPlugin unpacks the plugin that was built against SDK 0.1.0.
func oldPlugin(t *testing.T) []byte {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skipf("the plugin of release 0.1.0 is kept for linux/amd64, this is %s/%s: run the tests there", runtime.GOOS, runtime.GOARCH)
	}
	packed, err := os.Open(filepath.Join(oldRelease, "old-linux-amd64.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != oldDigest {
		t.Fatalf("the plugin has the digest %x, want %s: it must never be built anew", sum, oldDigest)
	}
	readme, err := os.ReadFile(filepath.Join(oldRelease, "README.md"))
	if err != nil || !bytes.Contains(readme, []byte(oldDigest)) {
		t.Errorf("the README does not have the digest %s: %v", oldDigest, err)
	}
	return content
}

// old is a daemon of today with the plugin of the first release in both folders.
type old struct{ *daemon }

func startOld(t *testing.T) old {
	t.Helper()
	content := oldPlugin(t)
	d := newDaemon(t, withArgs("--stop-grace=5s", "--timezone=Europe/Madrid"))
	dropBytes(t, content, d.attacks, "old")
	dropBytes(t, content, d.planners, "old")
	d.launch(t)
	d.ready(t)
	d.offers(t, "old:Attack", true)
	return old{d}
}

func (d old) file(name string) string { return filepath.Join(d.dir, name) }

// A plugin that was built against the first release's SDK serves today.
func TestAPluginOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	d := startOld(t)
	for name, test := range map[string]func(*testing.T, old){
		"is listed": oldIsListed, "is planned": oldIsPlanned, "is refused": oldIsRefused, "is tried": oldIsTried,
		"runs": oldRuns, "fails": oldFails, "panics": oldPanics, "is halted": oldIsHalted, "is killed": oldIsKilled,
	} {
		t.Run(name, func(t *testing.T) { test(t, d) })
	}
	t.Run("survives the daemon's death", func(t *testing.T) { oldSurvives(t, d) }) // which ends the daemon
}

func oldIsListed(t *testing.T, d old) {
	for _, kind := range []string{"attack", "planner"} {
		files := d.get(t, "/api/1/plugins/").list("plugins")
		i := slices.IndexFunc(files, func(f document) bool { return f.text("path") == "old" && f.text("kind") == kind })
		if i < 0 {
			t.Fatalf("no %s file: %v", kind, files)
		}
		f := files[i]
		if f.text("state") != "ready" || f.text("sdk") != "cmed-sdk-go/0.1.0" || f["error"] != nil {
			t.Errorf("the %s file is %v", kind, f)
		}
	}
	a := d.get(t, "/api/1/attacks/old.Attack") // its alias
	for name, want := range map[string]string{
		"ref": `"old:Attack"`, "title": `"An old attack"`, "version": `"1.2.3"`, "effect": `"undoable"`,
		"can_dry_run": "true", "can_list_targets": "true", "can_check": "true",
		"example": `{"args":{"file":"/tmp/old"},"ref":"old:Attack"}`,
	} {
		if got := toJSON(t, a[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// A date without an offset is in the daemon's zone; the seed decides the rest.
func oldIsPlanned(t *testing.T, d old) {
	body := with(planBody("old:Attack", args{"file": d.file("planned"), "token": secret}, time.Now()), map[string]any{
		"seed":    7,
		"planner": map[string]any{"ref": "old:Planner", "args": args{"date": "2031-10-26T02:30", "times": 4, "within": "1h"}},
	})
	preview := func() document { return d.post(t, "/api/1/plans/?dry_run=true", body, http.StatusOK) }
	doc := preview()
	executors := doc.list("executors")
	if len(executors) != 4 || executors[0].text("next_run_time") != "2031-10-26T02:30:00+02:00" || executors[0].text("name") != "first" {
		t.Fatalf("executors: %v", executors)
	}
	if again := preview(); toJSON(t, again) != toJSON(t, doc) {
		t.Errorf("the same seed gives\n%v\nand\n%v", again, doc)
	}
	_, ids := d.postPlan(t, body)
	for i, id := range ids {
		if got, want := d.executor(t, id).Due, executors[i].text("next_run_time"); got != want {
			t.Errorf("executor %d is due %s, the preview had %s", i+1, got, want)
		}
	}
	body["planner"] = map[string]any{"ref": "old:Planner", "args": args{"date": "2016-06-21T15:30"}}
	a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: body})
	says(t, "the answer", strings.Join(a.doc(t).warnings(), "\n"), "2016-06-21T15:30:00+02:00 is over", "it is an old attack")
	checkHidden(t, "the answer", string(a.body))
}

func oldIsRefused(t *testing.T, d old) {
	for pointer, body := range map[string]map[string]any{
		"/planner/args/date": with(planBody("old:Attack", args{"file": "/tmp/x"}, time.Now()), map[string]any{
			"planner": map[string]any{"ref": "old:Planner", "args": args{"date": "soon"}},
		}),
		"/attack/args/file":  planBody("old:Attack", args{"file": "/tmp/"}, tomorrow()), // by its check
		"/attack/args/count": planBody("old:Attack", args{"file": "/tmp/x", "count": 11}, tomorrow()),
	} {
		a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: body})
		if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), `"`+pointer+`"`) {
			t.Errorf("%s: %d %s", pointer, a.status, a.body)
		}
	}
}

func oldIsTried(t *testing.T, d old) {
	file := d.file("tried")
	body := with(planBody("old:Attack", args{"file": file, "count": 2}, time.Now()), map[string]any{"dry_run": true, "seed": 3})
	preview := d.post(t, "/api/1/plans/?dry_run=true", body, http.StatusOK).list("targets")
	_, ids := d.postPlan(t, body)
	e := d.await(t, ids[0], "succeeded")
	doc := d.get(t, "/api/1/executors/"+ids[0])
	hit := doc.list("run/targets")
	if len(preview) != 2 || len(hit) != 2 {
		t.Fatalf("targets: %v and %v", preview, hit)
	}
	// It lists the first one by the first number it draws, as the run does.
	if said, drawn := preview[0].at("detail/draw"), hit[0].at("detail/draw"); said != drawn || drawn == nil {
		t.Errorf("the preview drew %v, the run %v", said, drawn)
	}
	says(t, "its log", d.log(t, ids[0]), "dry run: the harm is left out", "remove "+file+".0")
	if left := harmLeft(t, file); len(left) > 0 || e.Undo != "none" || string(e.Run.Result) != `{"dry":true}` {
		t.Errorf("harm %v, undo %s, result %s", left, e.Undo, e.Run.Result)
	}
}

// All kinds of messages arrive.
func oldRuns(t *testing.T, d old) {
	file := d.file("runs")
	body := with(planBody("old:Attack", args{"file": file, "count": 3, "token": secret}, time.Now()), map[string]any{"seed": 42})
	_, ids := d.postPlan(t, body)
	d.await(t, ids[0], "succeeded")
	doc := d.get(t, "/api/1/executors/"+ids[0])
	if got := toJSON(t, doc.at("run/result")); got != fmt.Sprintf(`{"seed":%s}`, toJSON(t, doc["seed"])) {
		t.Errorf("its result is %s, its seed %v", got, doc["seed"])
	}
	if targets := doc.list("run/targets"); len(targets) != 3 || targets[0].text("state") != "hit" || targets[1].text("state") != "selected" {
		t.Errorf("targets %v", targets)
	}
	if doc.text("run/progress/message") != "2 of 3" {
		t.Errorf("progress %v", doc.at("run/progress"))
	}
	log := d.log(t, ids[0])
	says(t, "its log", log, "begun", ids[0], "held", "Europe/Madrid", "printed by the attack")
	checkHidden(t, "the log", log)
	records := doc.list("undo_records")
	if len(records) != 3 {
		t.Fatalf("records %v", records)
	}
	for i, want := range []string{"open", "undone", "undone"} {
		if got := records[i].text("state"); got != want {
			t.Errorf("record %d is %s, want %s", i+1, got, want)
		}
	}
	if left := harmLeft(t, file); len(left) != 1 || records[0].text("description") != "remove "+file+".0" {
		t.Errorf("harm left %v, record %v", left, records[0])
	}
}

func oldFails(t *testing.T, d old) {
	file := d.file("fails")
	id := d.attack(t, "old:Attack", args{"file": file, "count": 2, "ends": "invalid"}, time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "it ends as it was told to: invalid argument") {
		t.Errorf("it failed because %q", e.Reason)
	}
	if pointer := d.get(t, "/api/1/executors/"+id).text("run/failure/pointer"); pointer != "/args/ends" {
		t.Errorf("the pointer is %q", pointer)
	}
	d.oldUndone(t, id, file)
	says(t, "its log", d.log(t, id), "not at the first attempt") // and it was asked again
}

func oldPanics(t *testing.T, d old) {
	file := d.file("panics")
	id := d.attack(t, "old:Attack", args{"file": file, "ends": "panic"}, time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "panic: as it was told to") {
		t.Errorf("it failed because %q", e.Reason)
	}
	if stack := d.get(t, "/api/1/executors/"+id).text("run/failure/stack"); !strings.Contains(stack, "attack.go") {
		t.Errorf("the stack is %q", stack)
	}
	d.oldUndone(t, id, file)
}

// Told to stop, it takes two harms back itself and leaves one to the daemon.
func oldIsHalted(t *testing.T, d old) {
	file := d.file("halted")
	id := d.attack(t, "old:Attack", args{"file": file, "count": 3, "hold": "10m"}, time.Now())
	waitForFile(t, file+".2")
	d.halt(t, id)
	d.await(t, id, "halted")
	d.oldUndone(t, id, file)
	for i, r := range d.get(t, "/api/1/executors/"+id).list("undo_records") {
		attempts, message := "0", "healed by the run"
		if i == 0 {
			attempts, message = "1", "removed "+file+".0"
		}
		if toJSON(t, r["attempts"]) != attempts || r.text("message") != message {
			t.Errorf("record %d: %v", i+1, r)
		}
	}
}

func oldIsKilled(t *testing.T, d old) {
	file := d.file("killed")
	id := d.attack(t, "old:Attack", args{"file": file, "count": 3, "hold": "10m"}, time.Now())
	waitForFile(t, file+".2")
	killPID(t, d.await(t, id, "running").Run.PID)
	d.oldUndone(t, id, file)
	if e := d.executor(t, id); e.State != "crashed" {
		t.Errorf("it is %s", e.State)
	}
}

// Its lifeline tells it that the daemon is gone; the next daemon undoes the rest.
func oldSurvives(t *testing.T, d old) {
	file := d.file("survives")
	id := d.attack(t, "old:Attack", args{"file": file, "count": 2, "hold": "10m"}, time.Now())
	waitForFile(t, file+".1")
	d.kill(t)
	waitFor(t, patience, "the plugin to take one back and end", func() bool {
		return len(harmLeft(t, file)) == 1 && len(d.processes()) == 0
	})
	d.restart(t)
	d.await(t, id, "lost")
	d.oldUndone(t, id, file)
}

// oldUndone waits until all harm of a run is taken back.
func (d old) oldUndone(t *testing.T, id, file string) {
	t.Helper()
	d.awaitUndo(t, id, "undone")
	if left := harmLeft(t, file); len(left) > 0 {
		t.Errorf("harm left: %v", left)
	}
}
