package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/internal/quiet"
)

// config is how cmed is to work. It is made by settings.config only, which
// leaves nothing in it that can't work.
type config struct {
	bindHost    string // to listen on
	port        int    // 0: one that is free
	socket      string // unix socket to listen on; "none": none
	certFile    string // "": no TLS; else certKeyFile is set too
	certKeyFile string
	firstKey    bool // make a key if none was ever made
	// insecureTransport lets other machines reach the API without TLS, insecure
	// also without a key.
	insecureTransport bool
	insecure          bool
	trustedProxies    []netip.Prefix
	history           time.Duration // 0: for ever
	corsOrigins       []string
	allowedHosts      []string
	zone              *time.Location
	zoneChosen        bool // somebody named the zone
	database          string
	stateDir          string
	attacksDir        string
	plannersDir       string
	attacksNamed      bool // somebody named the folder
	plannersNamed     bool // likewise
	scriptsDir        string
	scriptsNamed      bool // likewise
	grants            []host.Grant
	grantsChosen      bool // somebody named what is granted
	maxRuns           int
	misfireGrace      time.Duration
	runTimeout        time.Duration
	stopGrace         time.Duration
	shutdownLimit     time.Duration
	undoTimeout       time.Duration
	undoAttempts      int
	haltFile          string
	limits            engine.Limits
	quietHours        []quiet.Window
	quietDates        []quiet.Dates
	quietZone         *time.Location // nil: zone
	cgroup            string
	runMemory         int64 // bytes; 0: no limit
	runPids           int   // 0: no limit
	confine           []host.Confinement
	runAs             []host.Identity
	logLevel          hclog.Level
	logJSON           bool
}

// complete fills in the folders that depend on others and checks what one value
// alone can't tell.
func (c *config) complete() error {
	c.attacksNamed, c.plannersNamed = c.attacksDir != "", c.plannersDir != ""
	if !c.attacksNamed || !c.plannersNamed {
		dir, err := besideBinary()
		if err != nil {
			return err
		}
		c.attacksDir = orElse(c.attacksDir, filepath.Join(dir, "attacks"))
		c.plannersDir = orElse(c.plannersDir, filepath.Join(dir, "planners"))
	}
	c.scriptsNamed = c.scriptsDir != ""
	if !c.scriptsNamed {
		var err error
		if c.scriptsDir, err = scriptsBeside(c.attacksDir); err != nil {
			return err
		}
	}
	c.stateDir = orElse(c.stateDir, stateBeside(c.database))
	c.haltFile = orElse(c.haltFile, haltIn(c.stateDir))
	c.socket = orElse(c.socket, socketIn(c.stateDir))
	if err := c.completeLimits(); err != nil {
		return err
	}
	if (c.certFile == "") != (c.certKeyFile == "") {
		return usagef("--%s and --%s need each other", optCert, optCertKey)
	}
	if !isLoopback(c.bindHost) {
		return c.checkTransport("--host " + c.bindHost)
	}
	return nil
}

// isEncrypted says whether clients can't be listened to on their way.
func (c *config) isEncrypted() bool { return c.certFile != "" }

// checkTransport refuses to let other machines reach the API, which they do at
// the address given, unless the way there is protected or somebody said that it
// need not be.
func (c *config) checkTransport(address string) error {
	if c.isEncrypted() || c.insecureTransport || c.insecure {
		return nil
	}
	return usagef("%s lets other machines reach the API, so it needs TLS and an API key: give --%s and --%s, "+
		"or --insecure-transport if something before cmed ends TLS. Or keep the default, 127.0.0.1, and use a tunnel. "+
		"With --insecure, whoever reaches it can run every attack", address, optCert, optCertKey)
}

// makeAbsolute makes the paths of what the daemon keeps absolute, for people who
// need to know which it is.
func (c *config) makeAbsolute() error {
	for _, path := range []*string{&c.database, &c.stateDir} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("resolve %s: %w", *path, err)
		}
		*path = absolute
	}
	return nil
}

// besideBinary is the folder of cmed's own executable, links followed.
func besideBinary() (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("find the folder of the cmed binary (give --attacks-folder and --planners-folder): %w", err)
	}
	return filepath.Dir(path), nil
}

// scriptsBeside is the scripts folder of an attacks folder: its sibling, also of
// one that is given as ".".
func scriptsBeside(attacksDir string) (string, error) {
	path, err := filepath.Abs(attacksDir)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", attacksDir, err)
	}
	return filepath.Join(filepath.Dir(path), "scripts"), nil
}

// stateBeside is the state folder of a database: cme.state beside cme.db.
func stateBeside(database string) string {
	ext := filepath.Ext(database)
	if ext == ".state" {
		ext = "" // the folder needs a name of its own
	}
	return strings.TrimSuffix(database, ext) + ".state"
}

// haltIn is the halt file in a state folder.
func haltIn(stateDir string) string { return filepath.Join(stateDir, "halt") }

// isLoopback says whether only this machine can reach what listens on host. It
// is asked before listening; listensLocally looks at the address itself.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// address is what to listen on.
func (c *config) address() string { return net.JoinHostPort(c.bindHost, fmt.Sprint(c.port)) }

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
