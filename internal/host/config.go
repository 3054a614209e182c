package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Cache remembers what was learned about plugin files across restarts. Losing
// it costs time only.
type Cache interface {
	Cached(key string) (value []byte, found bool, err error)
	PutCached(key string, value []byte) error
	// DropCached of a key that is not there is no error.
	DropCached(key string) error
	CachedKeys(prefix string) ([]string, error)
}

// Config is what a Host needs. The folders, StoreID and Cache are required;
// other zero values mean the defaults given.
type Config struct {
	// AttacksDir and PlannersDir are where plugin files are dropped. A folder
	// that does not exist is empty until it appears.
	AttacksDir, PlannersDir string
	// StateDir is private to this host: copies of plugins and the folders of
	// running processes. Made if it is not there. It must not be mounted
	// noexec. Where it is too long for socket paths, the folders of processes
	// are made in a private folder of the system's temporary one.
	StateDir string
	// StoreID is part of the mark of every process, so that what an earlier
	// host on the same store left can be found.
	StoreID string
	Cache   Cache
	// ScriptsDir is the folder of scripts that attacks may take to other
	// machines; every process is told where it is. It need not exist; "" is none.
	ScriptsDir string
	// Grants say which variables of the host's environment a plugin may see.
	Grants []Grant
	// DefaultGrants is set when nobody chose Grants; hints then say how to keep
	// them.
	DefaultGrants bool

	// Cgroup says where each process gets a cgroup (version 2) of its own, so
	// that nothing it starts can get away: "auto", the default, in the host's
	// own cgroup if that was delegated to it (systemd: Delegate=yes), else
	// nowhere; "off"; or the path of a cgroup that belongs to cmed, without
	// which New fails.
	Cgroup string
	// RunMemory (bytes) and RunPids (processes and threads) bound what one
	// process and its descendants use; 0 is no bound. They need a cgroup with
	// these controllers; without, New logs that and there is no bound.
	RunMemory int64
	RunPids   int
	// Confine keeps plugins to a part of the file system. With any entry, every
	// file is confined while it is asked what it offers.
	Confine []Confinement
	// Hidden are files and folders that no confined plugin sees, as it never
	// sees StateDir: the database.
	Hidden []string
	// RunAs has plugins run as other users. With any entry, every file is asked
	// what it offers as the first of them. The host must be root then, and the
	// folders of processes are made in the system's temporary folder, which the
	// users must be able to reach.
	RunAs []Identity

	// Changed, if set, is told of each plugin file that has come, has become
	// another or is gone (PluginGone) since the first look at the folders. It is
	// called one at a time, and must neither block nor call the host.
	Changed func(engine.PluginFile)

	// Only, if set, is the name of the one file in the folders that is looked at;
	// the two folders may then be the same. The file then serves what it offers
	// of either kind.
	Only string
	// Trial, if set, is for trying a plugin out; a daemon has none.
	Trial *Trial

	Grace           time.Duration // from Stop to SIGTERM; 10s
	TermGrace       time.Duration // from SIGTERM to SIGKILL; 1s
	StartTimeout    time.Duration // from fork to handshake; 10s
	DescribeTimeout time.Duration // one way of asking for a description; 5s
	PlanTimeout     time.Duration // a planner's answer; 10s
	RescanEvery     time.Duration // besides watching; 60s
	// Spawning bounds the processes between fork and handshake; 2 x cores.
	Spawning int
	Logger   hclog.Logger
}

// withDefaults returns the config made complete, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.AttacksDir == "" || c.PlannersDir == "" || c.StateDir == "" {
		return c, errors.New("host: the attacks, planners and state folders must be given")
	}
	if c.StoreID == "" || strings.ContainsAny(c.StoreID, "/\x00") {
		return c, fmt.Errorf("host: %q can't be a store id", c.StoreID)
	}
	if c.Cache == nil {
		return c, errors.New("host: no cache given")
	}
	for _, dir := range []*string{&c.AttacksDir, &c.PlannersDir, &c.StateDir} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return c, fmt.Errorf("host: resolve %s: %w", *dir, err)
		}
		*dir = abs
	}
	if c.ScriptsDir != "" {
		abs, err := filepath.Abs(c.ScriptsDir)
		if err != nil {
			return c, fmt.Errorf("host: resolve %s: %w", c.ScriptsDir, err)
		}
		c.ScriptsDir = abs
	}
	if strings.ContainsRune(c.Only, filepath.Separator) || strings.HasPrefix(c.Only, ".") {
		return c, fmt.Errorf("host: %q can't be the name of a plugin file", c.Only)
	}
	if err := c.checkIsolation(); err != nil {
		return c, err
	}
	orDefault(&c.Grace, 10*time.Second)
	orDefault(&c.TermGrace, time.Second)
	orDefault(&c.StartTimeout, 10*time.Second)
	orDefault(&c.DescribeTimeout, 5*time.Second)
	orDefault(&c.PlanTimeout, 10*time.Second)
	orDefault(&c.RescanEvery, time.Minute)
	if c.Spawning <= 0 {
		c.Spawning = 2 * runtime.NumCPU()
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	return c, nil
}

func orDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}
