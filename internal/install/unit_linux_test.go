package install

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// api is the address of the API over the socket.
const api = "http://localhost"

// What systemd has to say of the unit by itself.
func TestTheUnitIsWellFormed(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze: apt-get install systemd")
	}
	text, err := os.ReadFile("../../deploy/cmed.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "cmed.service")
	// It wants the program to be there.
	text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/cmed", "/bin/true"))
	if err := os.WriteFile(unit, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("systemd-analyze", "verify", "--man=no", unit)
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "cmed.service") {
			t.Errorf("systemd-analyze says: %s", line)
		}
	}
	if err != nil {
		t.Errorf("systemd-analyze: %v: %s", err, out)
	}
}

// A whole life under systemd: it starts, runs a plan, reloads and stops; killed, it
// leaves nothing that the reaper does not end and undo; and it is started again.
func TestTheUnitUnderSystemd(t *testing.T) {
	t.Parallel()
	m := boot(t)
	m.write(t, "/etc/systemd/system/cmed.service.d/log.conf",
		"[Service]\nStandardOutput=append:/run/cmed.log\nStandardError=append:/run/cmed.log\n")
	m.write(t, "/etc/default/cmed", "CMED_TIMEZONE=UTC\nCMED_STOP_GRACE=1s\n")
	m.documented(t, "as root, in the unpacked folder:")
	m.user = m.run(t, "id", "-u", "cmed")
	m.awaitReady(t)
	t.Run("it is confined as the unit says", m.isConfined)
	t.Run("it runs a plan", m.runsAPlan)
	t.Run("it reloads", m.reloads)
	t.Run("a stop undoes what runs", m.stopsCleanly)
	t.Run("killed, it is reaped", m.isReaped)
	t.Run("killed, it is started again", m.isStartedAgain)
	t.Run("the first key closes it", m.isClosed)
	t.Run("it serves other machines by TLS", m.servesOthers)
	t.Run("a wrong configuration is not tried again", m.givesUp)
}

// start starts the unit and waits until the daemon is ready.
func (m *machine) start(t *testing.T) {
	t.Helper()
	m.run(t, "systemctl", "start", "cmed")
	m.awaitReady(t)
}

func (m *machine) awaitReady(t *testing.T) {
	t.Helper()
	var out string
	if !within(patience, func() (ready bool) {
		var err error
		out, err = m.try("cmed", "health", "--server", "unix:"+socketOf)
		return err == nil
	}) {
		t.Fatalf("cmed is not ready: %s\n%s", out, m.log())
	}
}

func (m *machine) isConfined(t *testing.T) {
	status, err := os.ReadFile(m.path("/proc/" + m.property(t, "MainPID") + "/status"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"NoNewPrivs:\t1", "CapBnd:\t0000000000000000", "CapEff:\t0000000000000000", "Uid:\t" + m.user + "\t"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("the daemon's status has no %q:\n%s", want, status)
		}
	}
	if info, err := os.Stat(m.path("/var/lib/cmed")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the state's folder has the mode %v: %v", info.Mode(), err)
	}
}

func (m *machine) runsAPlan(t *testing.T) {
	id := plan(t, m.http, api, "", "e2e:Count", map[string]any{"file": "/var/lib/cmed/counted"})
	doc := await(t, m.http, api, "", id, "succeeded")
	if text, err := os.ReadFile(m.path("/var/lib/cmed/counted")); err != nil || strings.Count(string(text), "\n") != 1 {
		t.Errorf("it ran %q times: %v", text, err)
	}
	// Each run has a cgroup, since the unit delegates its own.
	if said := toJSON(t, doc["run"]); !strings.Contains(said, `"cgroup`) {
		t.Errorf("the run has no cgroup: %s\n%s", said, m.log())
	}
	outside := plan(t, m.http, api, "", "e2e:Count", map[string]any{"file": "/etc/counted"})
	if doc := await(t, m.http, api, "", outside, "failed"); !strings.Contains(doc["reason"].(string), "read-only file system") {
		t.Errorf("an attack that writes to /etc ended with: %v", doc["reason"])
	}
}

func (m *machine) reloads(t *testing.T) {
	pid := m.property(t, "MainPID")
	m.run(t, "systemctl", "reload", "cmed")
	if !within(patience, func() bool { return strings.Contains(m.log(), "rescanned the plugin folders") }) {
		t.Errorf("it did not look at the plugins: %s", m.log())
	}
	if again := m.property(t, "MainPID"); again != pid {
		t.Errorf("the daemon was %s and is %s", pid, again)
	}
}

func (m *machine) stopsCleanly(t *testing.T) {
	const harm = "/var/lib/cmed/stopped"
	id := plan(t, m.http, api, "", "e2e:Harm", map[string]any{"file": harm, "hold": "10m"})
	await(t, m.http, api, "", id, "running")
	m.awaitFile(t, harm+".0")
	m.run(t, "systemctl", "stop", "cmed")
	if result := m.property(t, "Result"); result != "success" || m.exists(harm+".0") {
		t.Errorf("the stop's result is %s; harm left: %t\n%s", result, m.exists(harm+".0"), m.log())
	}
	m.checkAtRest(t)
	m.start(t)
	if doc := await(t, m.http, api, "", id, "halted"); doc["undo"] != "undone" {
		t.Errorf("its undo is %v", doc["undo"])
	}
}

func (m *machine) isReaped(t *testing.T) {
	const harm = "/var/lib/cmed/killed"
	// The next start must not do what the reaper is to do.
	m.write(t, "/run/systemd/system/cmed.service.d/once.conf", "[Service]\nRestart=no\n")
	m.run(t, "systemctl", "daemon-reload")
	id := plan(t, m.http, api, "", "e2e:Outlaw", map[string]any{"file": harm})
	await(t, m.http, api, "", id, "running")
	m.awaitFile(t, harm+".pid.grandchild")
	m.awaitFile(t, harm)
	m.run(t, "systemctl", "kill", "--kill-whom=main", "--signal=KILL", "cmed")
	if !within(patience, func() bool { return m.property(t, "ActiveState") == "failed" }) {
		t.Fatalf("the unit is %s\n%s", m.property(t, "ActiveState"), m.log())
	}
	if m.exists(harm) {
		t.Errorf("the harm is still there\n%s", m.log())
	}
	if log := m.log(); !strings.Contains(log, "lost: 1 run") || !strings.Contains(log, "undone: 1 record") {
		t.Errorf("the reaper did not say what it did: %s", log)
	}
	m.checkAtRest(t)
	if err := os.Remove(m.path("/run/systemd/system/cmed.service.d/once.conf")); err != nil {
		t.Fatal(err)
	}
	m.run(t, "systemctl", "daemon-reload")
	m.run(t, "systemctl", "reset-failed", "cmed")
	m.start(t)
	if doc := await(t, m.http, api, "", id, "lost"); doc["undo"] != "undone" {
		t.Errorf("its undo is %v", doc["undo"])
	}
}

// SIGQUIT ends a Go program as a panic does, whose exit code would be that of a
// wrong configuration.
func (m *machine) isStartedAgain(t *testing.T) {
	for _, signal := range []string{"KILL", "QUIT"} {
		before := m.property(t, "NRestarts")
		m.run(t, "systemctl", "kill", "--kill-whom=main", "--signal="+signal, "cmed")
		if !within(patience, func() bool {
			return m.property(t, "NRestarts") != before || m.property(t, "ActiveState") == "failed"
		}) || m.property(t, "NRestarts") == before {
			t.Fatalf("ended by %s the unit is %s\n%s", signal, m.property(t, "ActiveState"), m.log())
		}
		m.awaitReady(t)
	}
	if status, _ := ask(t, m.http, "GET", api+"/api/1/status", "", nil); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

func (m *machine) givesUp(t *testing.T) {
	m.run(t, "systemctl", "stop", "cmed")
	m.write(t, "/etc/default/cmed", "CMED_HOST=0.0.0.0\n")
	m.run(t, "systemctl", "start", "cmed") // systemd only knows that it was executed
	if !within(patience, func() bool { return m.property(t, "ActiveState") == "failed" }) {
		t.Fatalf("the unit is %s", m.property(t, "ActiveState"))
	}
	if code := m.property(t, "ExecMainStatus"); code != "2" || m.property(t, "NRestarts") != "0" {
		t.Errorf("it ended with %s and was started again %s times", code, m.property(t, "NRestarts"))
	}
	if log := m.log(); !strings.Contains(log, "lets other machines reach the API, so it needs TLS and an API key") {
		t.Errorf("it did not say why: %s", log)
	}
}

func (m *machine) awaitFile(t *testing.T, file string) {
	t.Helper()
	if !within(patience, func() bool { return m.exists(file) }) {
		t.Fatalf("%s does not appear\n%s", file, m.log())
	}
}

// checkAtRest fails when the machine still has a process of cmed's user.
func (m *machine) checkAtRest(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(m.path("/proc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		status, err := os.ReadFile(m.path("/proc/" + e.Name() + "/status"))
		if err == nil && strings.Contains(string(status), "\nUid:\t"+m.user+"\t") && !strings.Contains(string(status), "\nState:\tZ") {
			t.Errorf("a process is left:\n%s", status)
		}
	}
}
