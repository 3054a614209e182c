package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// configOf reads what cmed would with this environment and command line.
func configOf(env []string, args ...string) (*config, error) {
	var c *config
	s := settings{}
	cmd := &cobra.Command{
		Use: "cmed", SilenceErrors: true, SilenceUsage: true, Args: noArguments,
		RunE: func(*cobra.Command, []string) (err error) {
			c, err = load(s, env, nil)
			return err
		},
	}
	addFlags(cmd, s, func(option) bool { return true })
	addDualFlag(cmd, s)
	cmd.SetArgs(args)
	return c, cmd.Execute()
}

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "cmed.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	file := write(t, "port: 1003\n")
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want int
	}{
		{"the default holds when nothing is said", nil, nil, 5000},
		{"the file wins over the default", nil, []string{"--config", file}, 1003},
		{"the file can be named by the environment", []string{"CMED_CONFIG=" + file}, nil, 1003},
		{"the environment wins over the file", []string{"CMED_PORT=1002"}, []string{"--config", file}, 1002},
		{"an empty variable is not set", []string{"CMED_PORT="}, []string{"--config", file}, 1003},
		{"a flag wins over both", []string{"CMED_PORT=1002"}, []string{"--config", file, "--port", "1001"}, 1001},
		{"of two flags the last wins", nil, []string{"--port", "1000", "--port=1001"}, 1001},
		{"-p with a number is the port", nil, []string{"-p", "1001"}, 1001},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := configOf(test.env, test.args...)
			if err != nil {
				t.Fatal(err)
			}
			if c.port != test.want {
				t.Errorf("port %d, want %d", c.port, test.want)
			}
		})
	}
}

func TestRepeatableOptionComesWholeFromOnePlace(t *testing.T) {
	file := write(t, "allowed-host: [file-a, file-b]\ncors-origin: https://file\n")
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"the file's list", nil, nil, []string{"file-a", "file-b"}},
		{"the environment's, split at white space", []string{"CMED_ALLOWED_HOST=env-a  env-b"}, nil, []string{"env-a", "env-b"}},
		{
			"each flag",
			[]string{"CMED_ALLOWED_HOST=env-a"},
			[]string{"--allowed-host=flag-a", "--allowed-host=flag-b"},
			[]string{"flag-a", "flag-b"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := configOf(test.env, append(test.args, "--config", file)...)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c.allowedHosts, test.want) {
				t.Errorf("hosts %q, want %q", c.allowedHosts, test.want)
			}
			if want := []string{"https://file"}; !reflect.DeepEqual(c.corsOrigins, want) {
				t.Errorf("origins %q, want %q", c.corsOrigins, want)
			}
		})
	}
}

// The first line is how the container of the Chaos Monkey Engine was started.
func TestDualFlag(t *testing.T) {
	const (
		database = "/opt/chaosmonkey/src/storage/cme.sqlite"
		attacks  = "/opt/chaosmonkey/src/attacks"
		planners = "/opt/chaosmonkey/src/planners"
	)
	for _, test := range []struct {
		args     string
		port     int
		planners string
	}{
		{"-d " + database + " -a " + attacks + " -p " + planners, 5000, planners},
		{"-d " + database + " -a " + attacks + " -p " + planners + " -p 5001", 5001, planners},
		{"-p 5001 -d " + database + " -a " + attacks + " -p " + planners, 5001, planners},
		{"-p5001 -a " + attacks + " -d " + database + " -P " + planners, 5001, planners},
		{"--port 5001 --planners-folder " + planners + " -a " + attacks + " -d " + database, 5001, planners},
		{"-p ./5001 -a " + attacks + " -d " + database, 5000, "5001"},
	} {
		t.Run(test.args, func(t *testing.T) {
			c, err := configOf(nil, strings.Fields(test.args)...)
			if err != nil {
				t.Fatal(err)
			}
			if c.port != test.port || c.plannersDir != test.planners || c.attacksDir != attacks || c.database != database {
				t.Errorf("port %d, planners %s, attacks %s, database %s", c.port, c.plannersDir, c.attacksDir, c.database)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	c, err := configOf(nil)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want := &config{
		bindHost: "127.0.0.1", port: 5000, zone: c.zone, history: 120 * 24 * time.Hour,
		database: "./cme.db", stateDir: "./cme.state", socket: "cme.state/cmed.sock",
		attacksDir:  filepath.Join(filepath.Dir(binary), "attacks"),
		scriptsDir:  filepath.Join(filepath.Dir(binary), "scripts"),
		grants:      c.grants, // see TestWhatIsGranted
		plannersDir: filepath.Join(filepath.Dir(binary), "planners"),
		maxRuns:     128, misfireGrace: time.Minute, runTimeout: 15 * time.Minute,
		stopGrace: 10 * time.Second, shutdownLimit: 30 * time.Second,
		undoTimeout: 5 * time.Minute, undoAttempts: 10, haltFile: "cme.state/halt",
		limits: engine.Limits{
			RunsPerRef: 100, RunsPerPlan: 100, RunsPerHour: 10_000, OpenUndos: 10_000,
			Irreversible: engine.IrreversibleAllow,
		},
		cgroup: "auto", runMemory: 1 << 30, runPids: 512,
		logLevel: hclog.Info,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the defaults are\n%+v, want\n%+v", c, want)
	}
	if c.zone.String() != "Europe/Madrid" {
		t.Errorf("the zone is %s, want Europe/Madrid", c.zone)
	}
}

func TestEveryOptionIsReadFromAFile(t *testing.T) {
	file := write(t, `
port: 5001
host: 0.0.0.0
socket: /run/cmed.sock
tls-cert: /etc/cmed/cert.pem
tls-key: /etc/cmed/key.pem
first-key: true
insecure-transport: true
insecure: true
trusted-proxy: [10.0.0.0/8, "fd00::1"]
history: 30d
allowed-host: [cmed.example]
cors-origin: ["https://ops.example:8443", "*"]
timezone: UTC
database-uri: bolt:///var/lib/cmed/cme.db
state-folder: /var/lib/cmed/state/
attacks-folder: /opt/attacks
planners-folder: /opt/planners
scripts-folder: /opt/scripts/
plugin-env: ["a_*:*=AWS_*,HOME"]
max-concurrent-runs: 7
misfire-grace: 90s
run-timeout: 1h30m
stop-grace: 5s
shutdown-timeout: 1m
undo-timeout: 2m
undo-attempts: 3
halt-file: /run/cmed/halt
max-runs-per-ref: 1
max-runs-per-plan: 2
max-runs-per-hour: 0
max-open-undos: 4
allow-attack: ["a_*:*"]
deny-attack: ["a_b:*", "a_c:*"]
irreversible: ask
quiet-hours: ["Mon-Fri@09:00-17:00"]
quiet-date: [2026-12-24, 2026-12-31..2027-01-06]
quiet-timezone: America/New_York
quiet-stop: true
cgroup: /sys/fs/cgroup/cmed
run-memory: 512MiB
run-pids: 64
confine: ["a_*:*=/tmp/a"]
run-as: ["a_*:*=4242:4243"]
log-level: debug
log-format: json
`)
	c, err := configOf(nil, "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	want := &config{
		port: 5001, bindHost: "0.0.0.0", insecure: true, insecureTransport: true, firstKey: true,
		socket: "/run/cmed.sock", certFile: "/etc/cmed/cert.pem", certKeyFile: "/etc/cmed/key.pem",
		trustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")},
		history:        30 * 24 * time.Hour, allowedHosts: []string{"cmed.example"},
		corsOrigins: []string{"https://ops.example:8443", "*"}, zone: time.UTC, zoneChosen: true,
		database: "/var/lib/cmed/cme.db", stateDir: "/var/lib/cmed/state",
		attacksDir: "/opt/attacks", plannersDir: "/opt/planners", attacksNamed: true, plannersNamed: true,
		scriptsDir: "/opt/scripts", scriptsNamed: true, grantsChosen: true,
		grants:  []host.Grant{{Ref: "a_*:*", Vars: []string{"AWS_*", "HOME"}}},
		maxRuns: 7, misfireGrace: 90 * time.Second, runTimeout: 90 * time.Minute,
		stopGrace: 5 * time.Second, shutdownLimit: time.Minute, logLevel: hclog.Debug, logJSON: true,
		undoTimeout: 2 * time.Minute, undoAttempts: 3, haltFile: "/run/cmed/halt",
		limits: engine.Limits{
			RunsPerRef: 1, RunsPerPlan: 2, OpenUndos: 4,
			Allow: []string{"a_*:*"}, Deny: []string{"a_b:*", "a_c:*"},
			Irreversible: engine.IrreversibleAsk, Quiet: c.limits.Quiet, QuietStops: true,
		},
		quietHours: c.quietHours, quietDates: c.quietDates, quietZone: c.quietZone, // see below
		cgroup: "/sys/fs/cgroup/cmed", runMemory: 512 << 20, runPids: 64,
		confine: []host.Confinement{{Ref: "a_*:*", Paths: []string{"/tmp/a"}}},
		runAs:   []host.Identity{{Ref: "a_*:*", User: "4242", UID: 4242, GID: 4243}},
	}
	quietTimes := "Mon-Fri 09:00-17:00, 2026-12-24, 2026-12-31..2027-01-06 America/New_York"
	if got := fmt.Sprint(c.limits.Quiet); got != quietTimes {
		t.Errorf("quiet times %s, want %s", got, quietTimes)
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("read\n%+v, want\n%+v", c, want)
	}
	for _, o := range options {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\n"+o.name+": ") {
			t.Errorf("%s is not in the test's file", o.name)
		}
	}
}

func TestQuietTimes(t *testing.T) {
	c, err := configOf([]string{"CMED_QUIET_HOURS=Mon-Fri@09:00-17:00 22:00-06:00"}, "-t", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.limits.Quiet), "Mon-Fri 09:00-17:00, 22:00-06:00 UTC"; got != want {
		t.Errorf("quiet times %s, want %s", got, want)
	}
}

func TestTheScriptsFolderIsTheSiblingOfTheAttacks(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"-a /opt/attacks":            "/opt/scripts",
		"-a /opt/attacks/":           "/opt/scripts",
		"-a bin/attacks":             filepath.Join(here, "bin", "scripts"),
		"-a .":                       filepath.Join(filepath.Dir(here), "scripts"),
		"-a /":                       "/scripts",
		"-a /opt --scripts-folder s": "s",
	} {
		c, err := configOf(nil, strings.Fields(args)...)
		if err != nil || c.scriptsDir != want || c.scriptsNamed != strings.Contains(args, "scripts-folder") {
			t.Errorf("%s: %s (named: %v), %v; want %s", args, c.scriptsDir, c.scriptsNamed, err, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1048576": 1 << 20, "10B": 10, "64KiB": 64 << 10, "512MiB": 512 << 20, "1GiB": 1 << 30, "2TiB": 2 << 40,
	} {
		c, err := configOf(nil, "--run-memory", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if c.runMemory != want {
			t.Errorf("%s is %d bytes, want %d", text, c.runMemory, want)
		}
	}
}

func TestEmptyFileChangesNothing(t *testing.T) {
	for _, text := range []string{"", "# port: 1\n"} {
		c, err := configOf(nil, "--config", write(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if c.port != 5000 {
			t.Errorf("port %d, want 5000", c.port)
		}
	}
}

func TestStateFolderIsNamedByTheDatabase(t *testing.T) {
	for database, want := range map[string]string{
		"/var/lib/cme.db":     "/var/lib/cme.state",
		"/var/lib/cme.sqlite": "/var/lib/cme.state",
		"/var/lib/cme":        "/var/lib/cme.state",
		"/var/lib/cme.state":  "/var/lib/cme.state.state",
		"/var/lib.d/cme":      "/var/lib.d/cme.state",
	} {
		if got := stateBeside(database); got != want {
			t.Errorf("%s: %s, want %s", database, got, want)
		}
	}
}

func TestBadFile(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an unknown key, with the one meant", "# first\nprot: 5001\n", `FILE:2: unknown key "prot"; did you mean "port"?`},
		{"an unknown key like no other", "frobnicate: 1\n", `FILE:1: unknown key "frobnicate"`},
		{"a bad value", "timezone: UTC\nport: many\n", `FILE:2: port: "many" is not a number from 0 to 65535`},
		{"a list where one value belongs", "port: [1, 2]\n", `FILE:1: port: takes one value, not a list`},
		{"a mapping where a value belongs", "port: {a: 1}\n", `FILE:1: port: must be a plain value`},
		{"no value", "port:\n", `FILE:1: port: has no value`},
		{"a key twice", "port: 1\nport: 2\n", `FILE is not YAML: [2:1] mapping key "port" already defined at [1:1]`},
		{"no mapping", "- port\n", `FILE must be a mapping, such as "port: 5000"`},
		{"two documents", "port: 1\n---\nport: 2\n", `FILE holds 2 YAML documents; it must be one`},
		{"no YAML", "port: [\n", `FILE is not YAML: [1:7] sequence end token ']' not found`},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := write(t, test.text)
			_, err := configOf(nil, "--config", file)
			got := strings.ReplaceAll(fmt.Sprint(err), file, "FILE")
			got, _, _ = strings.Cut(strings.TrimPrefix(got, "--config: "), "\n")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
