package plugincheck

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// open makes a trial of a file: a host that looks at nothing else, with folders
// of its own. Whoever opens it closes it.
func open(ctx context.Context, path string, o Options) (_ *trial, err error) {
	t := &trial{options: o, saw: &sightings{}}
	if t.path, err = resolve(path); err != nil {
		return nil, err
	}
	t.name = filepath.Base(t.path)
	t.report = &Report{Path: path, Live: o.Live, Refs: []string{}, Findings: []Finding{}}
	removeAbandoned(o.Logger)
	if t.state, t.lock, err = makeFolder(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	err = t.openHost()
	if err == nil && o.Live {
		t.live, err = host.New(t.config("live", &host.Trial{Saw: t.saw.add}))
	}
	if err != nil {
		return nil, fmt.Errorf("prepare the plugin host: %w", err)
	}
	for _, h := range []*host.Host{t.host, t.live} {
		if h == nil {
			continue
		}
		if err = h.Start(ctx); err != nil {
			return nil, fmt.Errorf("look at %s: %w", t.path, err)
		}
	}
	return t, t.explain(nil)
}

// openHost opens the host of all but live calls: with a sandbox, if the kernel
// has the means.
func (t *trial) openHost() (err error) {
	t.host, err = host.New(t.config("host", &host.Trial{Sandbox: true, Saw: t.saw.add}))
	if errors.Is(err, host.ErrNoSandbox) {
		t.noSandbox = err.Error()
		t.host, err = host.New(t.config("host", &host.Trial{Saw: t.saw.add}))
	}
	t.sandboxed = err == nil && t.noSandbox == ""
	t.report.Sandboxed = t.sandboxed
	return err
}

// config is that of a host for the trial. The plugin stays where it is, so that
// it finds what lies beside it.
func (t *trial) config(state string, how *host.Trial) host.Config {
	dir := filepath.Dir(t.path)
	c := host.Config{
		AttacksDir: dir, PlannersDir: dir, Only: t.name, Trial: how,
		StateDir: filepath.Join(t.state, state), StoreID: rand.Text(), Cache: forgetful{},
		Grace: t.options.Grace, Logger: t.options.Logger.Named(state),
	}
	if state == "live" {
		c.Grants = []host.Grant{{Ref: "*", Vars: []string{"*"}}}
	}
	return c
}

// explain returns err, or else why the host does not even look into the file.
func (t *trial) explain(err error) error {
	for _, f := range t.host.Plugins() {
		if f.Error == nil || f.State != engine.PluginIgnored && f.Error.Stage != "permissions" && f.Error.Stage != "stat" && f.Error.Stage != "copy" {
			continue
		}
		err := fmt.Errorf("%s can't be checked: %s", t.path, f.Error.Message)
		if f.Error.Hint != "" {
			err = fmt.Errorf("%w; to mend it: %s", err, f.Error.Hint)
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("%s can't be checked: %w", t.path, err)
	}
	return nil
}

// heedForce ends the processes when the check is to end by force, until release
// is called.
func (t *trial) heedForce() (release func()) {
	done := make(chan struct{})
	var heeding sync.WaitGroup
	heeding.Go(func() {
		select {
		case <-t.options.Force:
			t.closed = t.closeHosts()
		case <-done:
		}
	})
	return func() {
		close(done)
		heeding.Wait()
	}
}

// forced says whether the check is to end by force.
func (t *trial) forced() bool {
	select {
	case <-t.options.Force:
		return true
	default:
		return false
	}
}

func (t *trial) closeHosts() error {
	var errs []error
	for _, h := range []*host.Host{t.live, t.host} {
		if h != nil {
			errs = append(errs, h.Close())
		}
	}
	return errors.Join(errs...)
}

// close ends what still runs and removes everything that the trial made.
func (t *trial) close() error {
	errs := []error{t.closed, t.closeHosts()}
	if err := os.RemoveAll(t.state); err != nil {
		errs = append(errs, fmt.Errorf("remove the folder of the check: %w", err))
	}
	errs = append(errs, t.lock.Close())
	return errors.Join(errs...)
}

// resolve returns the absolute path of a file that may be a plugin.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no file %s; was the plugin built?", path)
	case err != nil:
		return "", fmt.Errorf("look at the plugin: %w", err)
	case info.IsDir():
		return "", fmt.Errorf("%s is a folder; name the executable file itself (cmed plugins looks at whole folders)", path)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o111 == 0:
		return "", fmt.Errorf("%s is not executable, and a daemon ignores such files; if it is a plugin: chmod +x '%s'", path, path)
	case info.Size() == 0:
		return "", fmt.Errorf("%s is empty; was it built or copied completely?", path)
	case strings.HasPrefix(filepath.Base(abs), "."):
		return "", fmt.Errorf("%s begins with a dot, and a daemon ignores such files; give it another name", path)
	}
	return abs, nil
}

// forgetful is a host.Cache that keeps nothing: a check asks anew.
type forgetful struct{}

func (forgetful) Cached(string) ([]byte, bool, error) { return nil, false, nil }
func (forgetful) PutCached(string, []byte) error      { return nil }
func (forgetful) DropCached(string) error             { return nil }
func (forgetful) CachedKeys(string) ([]string, error) { return nil, nil }
