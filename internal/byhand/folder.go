package byhand

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// DefaultBase is where the folders of runs are if nobody says otherwise:
// cmed/byhand in $XDG_STATE_HOME, which is ~/.local/state by default (XDG Base
// Directory Specification). variable reads the environment.
func DefaultBase(variable func(name string) string) (string, error) {
	if state := variable("XDG_STATE_HOME"); filepath.IsAbs(state) { // others are to be ignored, it says
		return filepath.Join(state, "cmed", "byhand"), nil
	}
	if home := variable("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "cmed", "byhand"), nil
	}
	return "", errors.New("there is no home folder to keep undo records in: HOME is not set")
}

// Hosting is how the plugin's processes are kept, as a daemon is configured. It is
// kept with a run, so that an undo works as the run did.
type Hosting struct {
	ScriptsDir    string             `json:"scripts_dir,omitempty"`
	Grants        []host.Grant       `json:"grants,omitempty"`
	DefaultGrants bool               `json:"default_grants,omitempty"`
	Cgroup        string             `json:"cgroup,omitempty"`
	RunMemory     int64              `json:"run_memory,omitempty"` // bytes; 0: no bound
	RunPids       int                `json:"run_pids,omitempty"`   // 0: no bound
	Confine       []host.Confinement `json:"confine,omitempty"`
	RunAs         []host.Identity    `json:"run_as,omitempty"`
	Grace         time.Duration      `json:"grace"`
}

// account is what a folder keeps of its run: all that is needed to undo it.
type account struct {
	// Store marks the run's processes; see host.Config.StoreID.
	Store   string  `json:"store"`
	Plugin  string  `json:"plugin"` // absolute path of the file
	Hosting Hosting `json:"hosting"`

	// Of the run; the zero value while none has begun.
	Executor engine.ExecutorID `json:"executor,omitempty"`
	Ref      engine.Ref        `json:"ref,omitempty"`
	Digest   string            `json:"digest,omitempty"`
	Config   engine.Config     `json:"config"`
	// Secrets are JSON pointers into Config.
	Secrets []string  `json:"secrets,omitempty"`
	Seed    int64     `json:"seed"`
	Started time.Time `json:"started,omitzero"`
}

// folder is the private folder of one run, while this process has it.
type folder struct {
	path    string
	lock    *os.File
	account account
	ledger  *ledger
	log     hclog.Logger
}

// The names in a folder. The host adds "plugins" and "run".
const (
	accountName = "run.json"
	recordsName = "records"
	cacheName   = "cache.json"
)

// newFolder makes a folder below base, named by the time and what is run.
func newFolder(base, name string, a account, log hclog.Logger) (*folder, error) {
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for runs by hand: %w", err)
	}
	id := make([]byte, 6)
	_, _ = rand.Read(id) // never fails
	a.Store = hex.EncodeToString(id)
	path, err := makeUnused(filepath.Join(base, time.Now().UTC().Format("20060102-150405-")+plain(name)))
	if err != nil {
		return nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	f := &folder{path: path, account: a, log: log}
	f.lock, err = lock(path)
	if err == nil {
		f.ledger, err = openLedger(filepath.Join(path, recordsName))
	}
	if err == nil {
		err = errors.Join(f.save(), syncFolder(base))
	}
	if err != nil {
		return nil, errors.Join(err, f.remove())
	}
	return f, nil
}

// makeUnused makes the folder, under another name if there is one of this name.
func makeUnused(path string) (string, error) {
	for n, at := 1, path; ; at = fmt.Sprintf("%s-%d", path, n) {
		err := os.Mkdir(at, 0o700)
		if n++; !errors.Is(err, fs.ErrExist) || n > 1000 {
			return at, err
		}
	}
}

// plain is the beginning of a name, fit for a path that is shown and typed. It is
// short, because sockets are made below it.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), 20)]
}

// openFolder takes up the folder of an earlier process. fs.ErrNotExist when it is
// not one, or there is none; ErrInUse while somebody has it.
func openFolder(path string, log hclog.Logger) (*folder, error) {
	f := &folder{path: path, log: log}
	if _, err := os.Stat(filepath.Join(path, accountName)); err != nil {
		return nil, err
	}
	var err error
	if f.lock, err = lock(path); err != nil {
		return nil, err
	}
	err = readDocument(filepath.Join(path, accountName), &f.account)
	if err == nil {
		f.ledger, err = openLedger(filepath.Join(path, recordsName))
	}
	if err != nil {
		return nil, errors.Join(err, f.lock.Close())
	}
	return f, nil
}

// save makes the account durable.
func (f *folder) save() error { return writeDurably(filepath.Join(f.path, accountName), f.account) }

// newHost makes a host that is to look at the plugin file only.
func (f *folder) newHost() (*host.Host, error) {
	a := f.account
	cache, err := openCache(filepath.Join(f.path, cacheName))
	if err != nil {
		return nil, err
	}
	dir, name := filepath.Split(a.Plugin)
	h, err := host.New(host.Config{
		AttacksDir: dir, PlannersDir: dir, Only: name, StateDir: f.path, StoreID: a.Store, Cache: cache,
		ScriptsDir: a.Hosting.ScriptsDir, Grants: a.Hosting.Grants, DefaultGrants: a.Hosting.DefaultGrants,
		Cgroup: a.Hosting.Cgroup, RunMemory: a.Hosting.RunMemory, RunPids: a.Hosting.RunPids,
		Confine: a.Hosting.Confine, RunAs: a.Hosting.RunAs, Grace: a.Hosting.Grace, Logger: f.log,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the plugin host: %w", err)
	}
	return h, nil
}

// host starts a host that looks at the plugin file only. earlier, if set, is
// called before anything is run by it.
func (f *folder) host(ctx context.Context, earlier func(*host.Host) error) (*host.Host, error) {
	h, err := f.newHost()
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		err = earlier(h)
	}
	if err == nil {
		err = h.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the plugin host: %w", err), h.Close())
	}
	return h, nil
}

// scrubber takes the secrets of the run's config out of what is shown.
func (f *folder) scrubber() engine.Scrubber {
	return engine.NewScrubber(f.account.Config, f.account.Secrets)
}

// leave gives the folder up: it is removed, unless something is left to undo.
func (f *folder) leave() error {
	if len(f.ledger.reversible()) > 0 {
		return f.lock.Close()
	}
	return f.remove()
}

func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	// Where the path is too long for sockets, the host keeps them here.
	spare := filepath.Join(os.TempDir(), "cmed-"+f.account.Store)
	if gone := os.Remove(spare); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("remove the run's folder: %w", err)
	}
	return nil
}

// records lists the undo records that the run made.
func (f *folder) records() []Record {
	list := []Record{}
	for _, r := range f.ledger.records {
		list = append(list, f.shown(r))
	}
	return list
}

// shown is a record as it is shown.
func (f *folder) shown(r engine.UndoRecord) Record {
	return Record{
		Sequence: r.Sequence, Description: f.scrubber().Text(r.Description), State: r.State,
		Outcome: r.Outcome, Message: r.Message, Attempts: r.Attempts, Created: r.Created, UndoAt: r.UndoAt,
	}
}

// Record is an undo record as it is shown: without the document, which is the
// plugin's own and may hold a secret.
type Record struct {
	Sequence    uint64             `json:"sequence"`
	Description string             `json:"description,omitempty"`
	State       engine.RecordState `json:"state"`
	Outcome     engine.Outcome     `json:"outcome,omitempty"`
	Message     string             `json:"message,omitempty"`
	Attempts    int                `json:"attempts"`
	Created     time.Time          `json:"created"`
	UndoAt      time.Time          `json:"undo_at,omitzero"`
}
