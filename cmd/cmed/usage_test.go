package main

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestBadUsage(t *testing.T) {
	for _, test := range []struct{ name, args, want string }{
		{"a word for a port", "--port many", `--port: "many" is not a number from 0 to 65535`},
		{"a port that is none", "-p 70000", `--port: "70000" is not a number from 0 to 65535`},
		{"a negative port", "-p -1", `--port: "-1" is not a number from 0 to 65535`},
		{"a port beyond all numbers", "-p 99999999999999999999", `--port: "99999999999999999999" is not a number from 0 to 65535`},
		{"a zone that is none", "-t Europe/Atlantis", `--timezone: "Europe/Atlantis" is not a time zone: use a name of the IANA database such as Europe/Madrid or UTC`},
		{"a city", "-t new_york", `--timezone: "new_york" is not a time zone; did you mean America/New_York?`},
		{"the machine's zone", "-t Local", `--timezone: "Local" is not a time zone: use a name of the IANA database such as Europe/Madrid or UTC`},
		{"another database", "-d mysql://u:secret@h/db", `--database-uri: mysql: is not a database cmed can use`},
		{"a duration without unit", "--run-timeout 15", `--run-timeout: "15" is not a duration: write a number and a unit, such as 90s, 15m or 1h30m`},
		{"a negative duration", "--misfire-grace=-1s", `--misfire-grace: "-1s" is not a duration`},
		{"no runs at all", "--max-concurrent-runs 0", `--max-concurrent-runs: "0" is not a number from 1 to 100000`},
		{"an unknown level", "--log-level loud", `--log-level: "loud" is not one of trace, debug, info, warn, error, off`},
		{"an unknown format", "--log-format xml", `--log-format: "xml" is not one of text, json`},
		{"a grant without names", "--plugin-env a:B", `--plugin-env: "a:B" is not of the form ref=VAR,VAR_*`},
		{"a grant of what cmed sets", "--plugin-env a:B=PATH", `--plugin-env: PATH can't be granted: cmed sets it itself`},
		{"nothing and something granted", "--plugin-env none --plugin-env a:B=X", `--plugin-env: "none" stands alone: with it nothing is granted`},
		{"something and nothing granted", "--plugin-env default --plugin-env none", `--plugin-env: "none" stands alone: with it nothing is granted`},
		{"a plugins that takes scripts", "plugins --scripts-folder /x", `unknown flag: --scripts-folder`},
		{"an origin without scheme", "--cors-origin ops.example", `--cors-origin: "ops.example" is not an origin`},
		{"an origin with a path", "--cors-origin https://ops.example/x", `--cors-origin: "https://ops.example/x" is not an origin`},
		{"a URL as host name", "--allowed-host http://a", `--allowed-host: "http://a" is not the name or address of a host`},
		{"a host with a port", "--host 127.0.0.1:5000", `--host: "127.0.0.1:5000" has a port`},
		{"a truth that is none", "--insecure=maybe", `--insecure: "maybe" is neither true nor false`},
		{"all addresses without consent", "--host 0.0.0.0", `--host 0.0.0.0 lets other machines reach the API`},
		{"another address without consent", "--host 192.0.2.1", `--host 192.0.2.1 lets other machines reach the API`},
		{"a name without consent", "--host cmed.example", `--host cmed.example lets other machines reach the API`},
		{"a certificate without its key", "--tls-cert c.pem", `--tls-cert and --tls-key need each other`},
		{"a key without its certificate", "--tls-key k.pem", `--tls-cert and --tls-key need each other`},
		{"a certificate that is not there", "--tls-cert /nonexistent/c.pem --tls-key /nonexistent/k.pem", `--tls-cert: read the TLS certificate /nonexistent/c.pem with the key /nonexistent/k.pem: open /nonexistent/c.pem: no such file or directory`},
		{"a proxy that is no network", "--trusted-proxy lb.example", `--trusted-proxy: "lb.example" is not a network`},
		{"a history that is none", "--history 120x", `--history: "120x" is not a duration`},
		{"a history of no days", "--history 0d", `--history: "0d" is not a number of days`},
		{"a socket whose folder is not there", "-p 0 -d TEMP/cme.db --socket /nonexistent/cmed.sock", `--socket: the folder of the socket: stat /nonexistent: no such file or directory`},
		{"a socket in the place of a file", "-p 0 -d TEMP/cme.db --socket /etc/passwd", `--socket: /etc/passwd is there and is no socket`},
		{"all addresses with TLS elsewhere but no key", "-p 0 -d TEMP/cme.db --host 0.0.0.0 --insecure-transport", `--host 0.0.0.0 lets other machines reach the API, and no API key has been made yet: start it with --first-key too`},
		{"a shutdown shorter than the grace", "--shutdown-timeout 5s", `--shutdown-timeout (5s) must be longer than --stop-grace (10s)`},
		{"no attempts to undo", "--undo-attempts 0", `--undo-attempts: "0" is not a number from 1 to 1000`},
		{"a negative limit", "--max-runs-per-ref=-1", `--max-runs-per-ref: "-1" is not a number from 0 to 1000000`},
		{"a pattern that is none", "--allow-attack a[", `--allow-attack: "a[" is not a pattern of attack refs`},
		{"a policy that is none", "--irreversible maybe", `--irreversible: "maybe" is not one of allow, ask, deny`},
		{"hours that are none", "--quiet-hours 9-17", `--quiet-hours: "9-17" is not a window of time: write it like Mon-Fri@09:00-17:00`},
		{"a date that is none", "--quiet-date 24.12.", `--quiet-date: "24.12." is not a date from 1970 to 2200`},
		{"a quiet zone that is none", "--quiet-timezone Mars", `--quiet-timezone: "Mars" is not a time zone`},
		{"a stop at hours that are not given", "--quiet-stop", `--quiet-stop and --quiet-timezone need --quiet-hours or --quiet-date`},
		{"a cgroup that is no path", "--cgroup cmed", `--cgroup: "cmed" is not auto, off or the path of a cgroup`},
		{"a size that is none", "--run-memory 1G", `--run-memory: "1G" is not a size: write a number and a unit, such as 512MiB or 1GiB`},
		{"a size beyond all numbers", "--run-memory 9999999999GiB", `--run-memory: "9999999999GiB" is not a size`},
		{"a negative size", "--run-memory=-1", `--run-memory: "-1" is not a size`},
		{"a confinement without a ref", "--confine =/tmp", `--confine: `},
		{"a user that is not there", "--run-as a:*=no-such-user", `--run-as: `},
		{"a halt file whose folder is not there", "-p 0 -d TEMP/cme.db --halt-file /nonexistent/halt", `--halt-file: the folder of the halt file: stat /nonexistent: no such file or directory`},
		{"a reap with a port", "reap --port 1", `unknown flag: --port`},
		{"a reap without time", "reap --timeout 0s", `--timeout: 0s is not more than 0`},
		{"a halt with a wait that is none", "halt --wait 0s", `--wait: 0s is not more than 0; --no-wait does not wait`},
		{"a server that is no URL", "resume --server ftp://u:secret@localhost", `--server: "ftp://localhost" is not a URL such as http://127.0.0.1:5000`},
		{"a plan without a file", "plan create", `--file is missing: name the plan, or give - to read it from standard input`},
		{"a plan of another flag without a file", "plan --dry-run", `--file is missing: name the plan, or give - to read it from standard input`},
		{"a plan that is not there", "plan -f /nonexistent.json", `read the plan: open /nonexistent.json: no such file or directory`},
		{"a retry of nothing", "undos retry", `cmed undos retry takes one argument, the id of an undo record`},
		{"giving up without a reason", "undos abandon x", `--reason is missing: say why the effect is left in place`},
		{"a misspelt command of undos", "undos retri", `unknown command "retri"; did you mean "retry"?`},
		{"a configuration that is not there", "--config /nonexistent.yaml", `--config: read the configuration: open /nonexistent.yaml: no such file or directory`},
		{"a misspelt flag", "--timezon UTC", `unknown flag: --timezon; did you mean --timezone?`},
		{"an unknown shorthand", "-x", `unknown shorthand flag: 'x' in -x`},
		{"a flag without its value", "--port", `flag needs an argument: --port`},
		{"a misspelt command", "serv", `unknown command "serv"; did you mean "serve"?`},
		{"an argument too many", "serve now", `"now": cmed serve takes no arguments`},
		{"help on what is not there", "help nope", `unknown command "nope"`},
		{"completion for another shell", "completion tcsh", `unknown command "tcsh"`},
		{"a flag that plugins has not", "plugins --port 1", `unknown flag: --port`},
		{"an unknown output", "version -o xml", `invalid argument "xml" for "-o, --output" flag: it is not one of text, json, yaml`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := begin(t, strings.Fields(strings.ReplaceAll(test.args, "TEMP", t.TempDir()))...)
			if code := c.end(t); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if got := c.stderr.String(); !strings.HasPrefix(got, "cmed: "+test.want) {
				t.Errorf("got  %swant cmed: %s", got, test.want)
			}
			if strings.Contains(c.stderr.String(), "secret") {
				t.Error("the password of a URI is shown")
			}
			if got := c.stdout.String(); got != "" {
				t.Errorf("standard output: %s", got)
			}
		})
	}
}

func TestTheHelpOfTheCommandIsNamed(t *testing.T) {
	for args, want := range map[string]string{
		"--port many": "cmed", "serv": "cmed", "serve now": "cmed serve", "halt --wait 0s": "cmed halt",
		"halt --wait": "cmed halt", "undos abandon x": "cmed undos abandon", "plan -f /nonexistent": "cmed plan",
	} {
		c := begin(t, strings.Fields(args)...)
		c.end(t)
		if got, want := c.stderr.String(), "\nSee '"+want+" --help'.\n"; !strings.HasSuffix(got, want) {
			t.Errorf("%s: no %q at the end of %s", args, want, got)
		}
	}
	c := begin(t, "reap", "-d", "/nonexistent/cme.db")
	if code := c.end(t); code != exitFailure || strings.Contains(c.stderr.String(), "--help") {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
}

func TestVersion(t *testing.T) {
	c := begin(t, "version")
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	got := c.stdout.String()
	if !strings.HasPrefix(got, "cmed ") || !strings.Contains(got, runtime.Version()) {
		t.Errorf("version says %q", got)
	}
	short := begin(t, "--version")
	if code := short.end(t); code != 0 || short.stdout.String() != got {
		t.Errorf("--version says %q, want %q", short.stdout.String(), got)
	}
}

func TestVersionAsJSON(t *testing.T) {
	c := begin(t, "version", "-o", "json")
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	var got build
	if err := json.Unmarshal([]byte(c.stdout.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version == "" || got.Go != runtime.Version() || got.Platform != runtime.GOOS+"/"+runtime.GOARCH {
		t.Errorf("version is %+v", got)
	}
}

func TestHelpShowsEveryOption(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}} {
		c := begin(t, args...)
		if code := c.end(t); code != 0 {
			t.Fatalf("exit code %d: %s", code, c.stderr.String())
		}
		text := c.stdout.String()
		for _, o := range options {
			if !strings.Contains(text, "--"+o.name+" ") || !strings.Contains(text, "["+o.variable()+"]") {
				t.Errorf("%v does not show --%s with %s", args, o.name, o.variable())
			}
			for _, item := range o.standard() {
				if o.kind != "bool" && o.fallback == item && !strings.Contains(text, item) {
					t.Errorf("%v does not show that --%s is %s by default", args, o.name, item)
				}
			}
		}
		if !strings.Contains(text, "-p, --port number") || strings.Contains(text, "--p ") {
			t.Errorf("%v does not show -p with --port:\n%s", args, text)
		}
	}
}

func TestHelpOfReapShowsItsOptions(t *testing.T) {
	c := begin(t, "reap", "--help")
	if code := c.end(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.stderr.String())
	}
	for _, o := range options {
		if got := strings.Contains(c.stdout.String(), "--"+o.name+" "); got != o.reap {
			t.Errorf("it shows --%s: %v", o.name, got)
		}
	}
}

func TestHelpOfPlugins(t *testing.T) {
	for _, args := range [][]string{{"plugins", "--help"}, {"help", "plugins"}} {
		c := begin(t, args...)
		if code := c.end(t); code != 0 {
			t.Fatalf("exit code %d: %s", code, c.stderr.String())
		}
		text := c.stdout.String()
		if !strings.Contains(text, precedence) || strings.Contains(text, ofDaemon) {
			t.Errorf("%v ends otherwise:\n%s", args, text)
		}
	}
}

func TestConfigurationIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range append(options, option{name: optConfig}) {
		row := "| `--" + o.name + "`"
		_, rest, found := strings.Cut(string(text), row)
		row, _, _ = strings.Cut(rest, "\n")
		switch {
		case !found:
			t.Errorf("--%s is not in docs/configuration.md", o.name)
		case o.fallback != "" && !strings.Contains(row, "`"+o.fallback+"`"):
			t.Errorf("docs/configuration.md does not say that --%s is %s by default", o.name, o.fallback)
		case o.shorthand != "" && !strings.Contains(row, "`-"+o.shorthand+"`"):
			t.Errorf("docs/configuration.md does not show -%s", o.shorthand)
		}
		for _, item := range o.fallbacks {
			if !strings.Contains(string(text), "\n    "+item+"\n") {
				t.Errorf("docs/configuration.md does not say that --%s is %s by default", o.name, item)
			}
		}
	}
}
