package main

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// option is one thing that can be set, by the same name as a flag, as a key of
// the configuration file, and, in capitals after CMED_, in the environment.
type option struct {
	name      string
	shorthand string
	kind      string // what stands for the value in the help text
	fallback  string // the default; "" where the usage text explains it
	usage     string
	repeats   bool // may be given several times
	scan      bool // "cmed plugins" takes it too
	// set reads one value into the config.
	set func(c *config, text string) error
}

// The options that other code names.
const (
	optPort     = "port"
	optAttacks  = "attacks-folder"
	optPlanners = "planners-folder"
	optZone     = "timezone"
	optLogLevel = "log-level"
	optConfig   = "config"
)

// options lists all options, in the order of the help text.
var options = []option{
	{
		name: optPort, kind: "number", fallback: "5000",
		usage: "port to listen on; 0 takes a free one",
		set:   func(c *config, s string) (err error) { c.port, err = number(s, 0, 65535); return err },
	}, {
		name: "host", kind: "address", fallback: "127.0.0.1",
		usage: "address to listen on; one that other machines can reach needs --insecure",
		set:   setHost,
	}, {
		name: "insecure", kind: "bool", fallback: "false",
		usage: "allow a --host that other machines can reach: the API has no passwords",
		set:   func(c *config, s string) (err error) { c.insecure, err = truth(s); return err },
	}, {
		name: "allowed-host", kind: "name", repeats: true,
		usage: "further name by which clients may call the API, for their Host header",
		set:   func(c *config, s string) error { return appendWord(&c.allowedHosts, s) },
	}, {
		name: "cors-origin", kind: "origin", repeats: true,
		usage: "origin of web pages that may call the API, such as https://ops.example; * for all",
		set:   setOrigin,
	}, {
		name: optZone, shorthand: "t", kind: "zone", fallback: "Europe/Madrid",
		usage: "zone of dates without an offset, and of all dates shown",
		set:   setZone,
	}, {
		name: "database-uri", shorthand: "d", kind: "path", fallback: "./cme.db",
		usage: "file that keeps everything: a path, or bolt:///path",
		set:   func(c *config, s string) (err error) { c.database, err = store.ParseURI(s); return err },
	}, {
		name: "state-folder", kind: "path",
		usage: "private folder for copies of plugins and for running ones (default: cme.state beside cme.db, likewise for other names)",
		set:   func(c *config, s string) error { return setPath(&c.stateDir, s) },
	}, {
		name: optAttacks, shorthand: "a", kind: "path", scan: true,
		usage: "folder of attack plugins; every executable file in it is executed (default: attacks beside the cmed binary)",
		set:   func(c *config, s string) error { return setPath(&c.attacksDir, s) },
	}, {
		name: optPlanners, shorthand: "P", kind: "path", scan: true,
		usage: "folder of planner plugins, likewise; -p with a path means it too (default: planners beside the cmed binary)",
		set:   func(c *config, s string) error { return setPath(&c.plannersDir, s) },
	}, {
		name: "plugin-env", kind: "refs=names", repeats: true, scan: true,
		usage: "let plugins see variables of cmed's own environment, such as 'terminate_*:*=AWS_*,HTTPS_PROXY'",
		set:   setGrant,
	}, {
		name: "max-concurrent-runs", kind: "number", fallback: "128",
		usage: "how many attacks may run at once",
		set:   func(c *config, s string) (err error) { c.maxRuns, err = number(s, 1, 100_000); return err },
	}, {
		name: "misfire-grace", kind: "duration", fallback: "1m",
		usage: "how late an executor may still be started, where its plan does not say",
		set:   setDuration(func(c *config) *time.Duration { return &c.misfireGrace }),
	}, {
		name: "run-timeout", kind: "duration", fallback: "15m",
		usage: "how long an attack may run, where its plan does not say",
		set:   setDuration(func(c *config) *time.Duration { return &c.runTimeout }),
	}, {
		name: "stop-grace", kind: "duration", fallback: "10s",
		usage: "how long an attack that is stopped has to undo itself, before SIGTERM and SIGKILL",
		set:   setDuration(func(c *config) *time.Duration { return &c.stopGrace }),
	}, {
		name: "shutdown-timeout", kind: "duration", fallback: "30s",
		usage: "how long the daemon has to stop and undo what runs when it is told to end",
		set:   setDuration(func(c *config) *time.Duration { return &c.shutdownLimit }),
	}, {
		name: optLogLevel, kind: "level", fallback: "info", scan: true,
		usage: "trace, debug, info, warn, error or off",
		set:   setLevel,
	}, {
		name: "log-format", kind: "format", fallback: "text", scan: true,
		usage: "text or json",
		set:   setLogFormat,
	},
}

// variable is the option's name in the environment.
func (o option) variable() string {
	return "CMED_" + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// optionNames lists the names of all options.
func optionNames() []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return names
}

func number(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, least, most)
	}
	return n, nil
}

func truth(s string) (bool, error) {
	v, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", s)
	}
	return v, nil
}

func appendWord(list *[]string, s string) error {
	if s == "" || strings.ContainsAny(s, " \t\r\n/") {
		return fmt.Errorf("%q is not the name or address of a host", s)
	}
	*list = append(*list, s)
	return nil
}

func setHost(c *config, s string) error {
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if _, _, err := net.SplitHostPort(s); err == nil {
		return fmt.Errorf("%q has a port: give the address alone and the port with --port", s)
	}
	if bare == "" || strings.ContainsAny(bare, " \t\r\n/") {
		return fmt.Errorf("%q is not an address to listen on", s)
	}
	c.bindHost = bare
	return nil
}

func setOrigin(c *config, s string) error {
	scheme, rest, ok := strings.Cut(s, "://")
	if s != "*" && (!ok || scheme == "" || rest == "" || strings.ContainsAny(strings.TrimSuffix(rest, "/"), "/?# ")) {
		return fmt.Errorf("%q is not an origin: write scheme, host and port as in https://ops.example:8443, or *", s)
	}
	c.corsOrigins = append(c.corsOrigins, s)
	return nil
}

func setZone(c *config, s string) error {
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return fmt.Errorf("%q is not a time zone: use a name of the IANA database such as Europe/Madrid or UTC", s)
	}
	c.zone = zone
	return nil
}

func setPath(path *string, s string) error {
	if s == "" {
		return fmt.Errorf("the path is empty")
	}
	*path = filepath.Clean(s)
	return nil
}

func setGrant(c *config, s string) error {
	grant, err := host.ParseGrant(s)
	if err != nil {
		return err
	}
	c.grants = append(c.grants, grant)
	return nil
}

func setDuration(field func(*config) *time.Duration) func(*config, string) error {
	return func(c *config, s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is not a duration: write a number and a unit, such as 90s, 15m or 1h30m", s)
		}
		*field(c) = d
		return nil
	}
}

func setLevel(c *config, s string) error {
	level := hclog.LevelFromString(s)
	if level == hclog.NoLevel {
		return fmt.Errorf("%q is not one of trace, debug, info, warn, error, off", s)
	}
	c.logLevel = level
	return nil
}

func setLogFormat(c *config, s string) error {
	formats := []string{"text", "json"}
	if !slices.Contains(formats, s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(formats, ", "))
	}
	c.logJSON = s == "json"
	return nil
}
