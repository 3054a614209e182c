package main

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// serving says where the daemon listens, what it keeps and what it loads.
var serving = []option{
	{
		name: optPort, kind: "number", fallback: "5000",
		usage: "port to listen on; 0 takes a free one",
		set:   setNumber(0, 65535, func(c *config) *int { return &c.port }),
	}, {
		name: "host", kind: "address", fallback: "127.0.0.1",
		usage: "address to listen on; one that other machines can reach needs TLS and an API key",
		set:   setHost,
	}, {
		name: optSocket, kind: "path",
		usage: "unix socket for this user and root, who need no key there; none for no socket (default: cmed.sock in the state folder)",
		set:   setPath(func(c *config) *string { return &c.socket }),
	}, {
		name: optCert, kind: "path",
		usage: "file with the TLS certificate in PEM, and those of its issuers; read again when it changes",
		set:   setPath(func(c *config) *string { return &c.certFile }),
	}, {
		name: optCertKey, kind: "path",
		usage: "file with the key of the TLS certificate, likewise",
		set:   setPath(func(c *config) *string { return &c.certKeyFile }),
	}, {
		name: "first-key", kind: "bool", fallback: "false",
		usage: "make an API key for an administrator and print it once, if no key was ever made",
		set:   setTruth(func(c *config) *bool { return &c.firstKey }),
	}, {
		name: "insecure-transport", kind: "bool", fallback: "false",
		usage: "allow a --host that other machines can reach without TLS: something before cmed must end it",
		set:   setTruth(func(c *config) *bool { return &c.insecureTransport }),
	}, {
		name: "insecure", kind: "bool", fallback: "false",
		usage: "allow such a --host with neither TLS nor key: until the first key is made, whoever reaches it can run every attack",
		set:   setTruth(func(c *config) *bool { return &c.insecure }),
	}, {
		name: "trusted-proxy", kind: "network", repeats: true,
		usage: "network of proxies, such as 10.0.0.0/8, whose X-Forwarded-For tells who calls, for the audit and limits",
		set:   setProxy,
	}, {
		name: "allowed-host", kind: "name", repeats: true,
		usage: "further name by which clients may call the API, for their Host header",
		set:   setAllowedHost,
	}, {
		name: "cors-origin", kind: "origin", repeats: true,
		usage: "origin of web pages that may call the API, such as https://ops.example; * for all",
		set:   setOrigin,
	}, {
		name: "history", kind: "duration", fallback: "120d",
		usage: "how long plans are kept after they have ended and all is undone; 0 for ever",
		set:   setHistory,
	}, {
		name: optZone, shorthand: "t", kind: "zone", fallback: "Europe/Madrid", reap: true,
		usage: "zone of dates without an offset, and of all dates shown",
		set:   setZone(func(c *config) **time.Location { return &c.zone }),
	}, {
		name: "database-uri", shorthand: "d", kind: "path", fallback: "./cme.db", reap: true,
		usage: "file that keeps everything: a path, or bolt:///path",
		set:   func(c *config, s string) (err error) { c.database, err = store.ParseURI(s); return err },
	}, {
		name: "state-folder", kind: "path", reap: true,
		usage: "private folder for copies of plugins and for running ones (default: cme.state beside cme.db, likewise for other names)",
		set:   setPath(func(c *config) *string { return &c.stateDir }),
	}, {
		name: optAttacks, shorthand: "a", kind: "path", scan: true, reap: true,
		usage: "folder of attack plugins; every executable file in it is executed (default: attacks beside the cmed binary)",
		set:   setPath(func(c *config) *string { return &c.attacksDir }),
	}, {
		name: optPlanners, shorthand: "P", kind: "path", scan: true, reap: true,
		usage: "folder of planner plugins, likewise; -p with a path means it too (default: planners beside the cmed binary)",
		set:   setPath(func(c *config) *string { return &c.plannersDir }),
	}, {
		name: optScripts, kind: "path", reap: true,
		usage: "folder of scripts that attacks may take to other machines (default: scripts beside the attacks folder)",
		set:   setPath(func(c *config) *string { return &c.scriptsDir }),
	}, {
		name: optGrants, kind: "refs=names", repeats: true, scan: true, reap: true, fallbacks: defaultGrants,
		usage: "let plugins see variables of cmed's own environment, such as 'terminate_*:*=AWS_*,HTTPS_PROXY', " +
			"in place of the default; the word default stands for that, none for nothing",
		set: setGrant,
	},
}

// logging says what is logged and how.
var logging = []option{
	{
		name: optLogLevel, kind: "level", fallback: "info", scan: true, reap: true,
		usage: "trace, debug, info, warn, error or off",
		set:   setLevel,
	}, {
		name: "log-format", kind: "format", fallback: "text", scan: true, reap: true,
		usage: "text or json",
		set:   setLogFormat,
	},
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

// setProxy reads a network, or an address as the network of it alone.
func setProxy(c *config, s string) error {
	prefix, err := netip.ParsePrefix(s)
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
		prefix, err = addr.Prefix(addr.BitLen())
	}
	if err != nil {
		return fmt.Errorf("%q is not a network: write an address and the bits that count, such as 10.0.0.0/8 or ::1/128", s)
	}
	if prefix.Addr().Is4In6() {
		return fmt.Errorf("%q: write the IPv4 network as such", s)
	}
	c.trustedProxies = append(c.trustedProxies, prefix.Masked())
	return nil
}

// setHistory reads a duration that may be in days; 0 is for ever.
func setHistory(c *config, s string) error {
	if s == "0" {
		c.history = 0
		return nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not a number of days, such as 120d", s)
		}
		c.history = time.Duration(n) * 24 * time.Hour
		return nil
	}
	return setDuration(func(c *config) *time.Duration { return &c.history })(c, s)
}

func setAllowedHost(c *config, s string) error {
	if s == "" || strings.ContainsAny(s, " \t\r\n/") {
		return fmt.Errorf("%q is not the name or address of a host", s)
	}
	c.allowedHosts = append(c.allowedHosts, s)
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
