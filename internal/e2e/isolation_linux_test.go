package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// alwaysIsolated is what confines every run, whatever the machine.
var alwaysIsolated = []string{
	"process_group", "parent_death_signal", "no_new_privs", "no_core_dumps", "private_folder", "umask_077",
}

// What confines a run is on its record, and the kernel says the same of it.
func TestARunIsIsolated(t *testing.T) {
	t.Parallel()
	d := start(t)
	id := d.attack(t, "e2e:Sleep", args{"for": "10m"}, time.Now())
	pid := d.await(t, id, "running").Run.PID
	said := d.get(t, "/api/1/executors/"+id).at("run/isolation")
	for _, what := range alwaysIsolated {
		if !strings.Contains(toJSON(t, said), toJSON(t, what)) {
			t.Errorf("isolation %v has no %s", said, what)
		}
	}
	status := procText(t, pid, "status")
	for name, want := range map[string]string{"NoNewPrivs": "1", "Umask": "0077"} {
		if got := fieldOf(status, name+":"); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v, want %s", name, got, want)
		}
	}
	if got := fieldOf(procText(t, pid, "limits"), "Max core file size"); len(got) < 2 || got[0] != "0" || got[1] != "0" {
		t.Errorf("the limit of core files is %v", got)
	}
	stat := procText(t, pid, "stat")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if group := fields[2]; group != strconv.Itoa(pid) { // the third field is the state (proc(5))
		t.Errorf("its process group is %s, its number %d", group, pid)
	}
	folder, err := os.Readlink(procFile(pid, "cwd"))
	if err != nil || !strings.HasPrefix(folder, filepath.Join(d.state, "run")) {
		t.Errorf("it works in %q: %v", folder, err)
	}
	environ := procText(t, pid, "environ")
	if !slices.ContainsFunc(strings.Split(environ, "\x00"), func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return name == "TMPDIR" && strings.HasPrefix(value, folder)
	}) {
		t.Errorf("its temporary folder is not its own: %q", environ)
	}

	d.halt(t, id)
	d.await(t, id, "halted")
	ended := d.get(t, "/api/1/executors/"+id)
	if toJSON(t, ended.at("run/isolation")) != toJSON(t, said) {
		t.Errorf("afterwards its isolation is %v, it was %v", ended.at("run/isolation"), said)
	}
	if exit, _ := ended.at("run/exit").(map[string]any); exit["code"] == nil || exit["cpu_ms"] == nil || exit["peak_memory_bytes"] == nil {
		t.Errorf("its exit is %v", exit)
	}
	if exists(folder) {
		t.Errorf("its folder %s is still there", folder)
	}
}

func procText(t testing.TB, pid int, name string) string {
	t.Helper()
	text, err := os.ReadFile(procFile(pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fieldOf is what stands behind a name on its line.
func fieldOf(text, name string) []string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

// A confined attack, and its undo, write where they may and nowhere else.
func TestAConfinedAttack(t *testing.T) {
	t.Parallel()
	if !hasLandlock() {
		t.Skip("this kernel has no Landlock: it needs Linux 5.13 with landlock among its security modules")
	}
	h := newHome(t)
	inside := filepath.Join(h.dir, "inside")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	d := start(t, inHome(h), withArgs("--confine", "e2e:Harm="+inside))
	within := d.attack(t, "e2e:Harm", args{"file": filepath.Join(inside, "harm"), "fail": true}, time.Now())
	d.await(t, within, "failed")
	d.awaitUndo(t, within, "undone")
	doc := d.get(t, "/api/1/executors/"+within)
	says(t, "its isolation", toJSON(t, doc.at("run/isolation")), `"landlock:abi`)
	if reason := doc.text("reason"); reason != "failed as it was told to" || doc.list("undo_records")[0].text("outcome") != "undone" {
		t.Errorf("within its folder it fails with %q: %v", reason, doc["undo_records"])
	}
	outside := filepath.Join(h.dir, "harm")
	beyond := d.attack(t, "e2e:Harm", args{"file": outside}, time.Now())
	says(t, "one that goes beyond", d.await(t, beyond, "failed").Reason, "permission denied")
	if left := harmLeft(t, outside); len(left) > 0 {
		t.Errorf("it did harm outside its folder: %v", left)
	}
	free := d.attack(t, "e2e:Count", args{"file": filepath.Join(h.dir, "counted")}, time.Now())
	d.await(t, free, "succeeded")
	says(t, "the isolation of another", toJSON(t, d.get(t, "/api/1/executors/"+free).at("run/isolation")), `"no_new_privs"`)
}

func hasLandlock() bool {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0
}

// An attack of another user has that user's rights.
func TestAnAttackOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can have attacks run as another user: run the tests as root")
	}
	h := newHome(t)
	for _, folder := range []string{h.dir, h.temporary()} { // the user passes through them
		chmod(t, folder, 0o711)
	}
	d := start(t, inHome(h), withArgs("--run-as", "e2e:*=nobody:nogroup"))
	id := d.attack(t, "e2e:Sleep", args{"for": "10m"}, time.Now())
	pid := d.await(t, id, "running").Run.PID
	says(t, "its isolation", toJSON(t, d.get(t, "/api/1/executors/"+id).at("run/isolation")), `"user:nobody"`)
	status := procText(t, pid, "status")
	if uids := fieldOf(status, "Uid:"); slices.Contains(uids, "0") || len(uids) != 4 {
		t.Errorf("its user ids are %v", uids)
	}
	if groups := fieldOf(status, "Groups:"); len(groups) != 0 {
		t.Errorf("it has the supplementary groups %v", groups)
	}
	d.halt(t, id)
	d.await(t, id, "halted")
	file := filepath.Join(h.dir, "harm") // in a folder of root's
	says(t, "one that oversteps", d.await(t, d.attack(t, "e2e:Harm", args{"file": file}, time.Now()), "failed").Reason, "permission denied")
}

// Root does not execute what others can write to.
func TestExposedPluginsAreRefusedAsRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root refuses plugins that others can write to: run the tests as root")
	}
	d := start(t, withoutPlugins())
	drop(t, built.testPlugin, d.attacks, "fine")
	drop(t, built.testPlugin, d.attacks, "exposed")
	chmod(t, filepath.Join(d.attacks, "exposed"), 0o777)
	list := func() document { return d.post(t, "/api/1/plugins/rescan", nil, http.StatusOK) }
	checkExposed := func(list document, name, path string) {
		t.Helper()
		p := plugin(list, name)
		if p.text("state") != "broken" || p.text("error/stage") != "permissions" ||
			!strings.Contains(p.text("error/message"), path) || !strings.Contains(p.text("error/hint"), "chmod go-w '"+path+"'") {
			t.Errorf("%s: %v", name, p)
		}
	}
	found := list()
	checkExposed(found, "exposed", filepath.Join(d.attacks, "exposed"))
	if p := plugin(found, "fine"); p.text("state") != "ready" {
		t.Errorf("the other one: %v", p)
	}
	a := d.send(t, request{method: http.MethodPost, path: "/api/1/plans/", body: planBody("exposed:Count", args{"file": "/dev/null"}, tomorrow())})
	checkProblem(t, a, http.StatusBadRequest, "")

	chmod(t, d.attacks, 0o777)
	found = list()
	for _, name := range []string{"exposed", "fine"} {
		checkExposed(found, name, d.attacks)
	}
	chmod(t, d.attacks, 0o700)
	chmod(t, filepath.Join(d.attacks, "exposed"), 0o700)
	found = list()
	for _, name := range []string{"exposed", "fine"} {
		if p := plugin(found, name); p.text("state") != "ready" {
			t.Errorf("mended, %s: %v", name, p)
		}
	}
}

// chmod sets a mode, whatever the umask.
func chmod(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
