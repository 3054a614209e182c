package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// candidate is a file in a plugin folder, as the folder shows it.
type candidate struct {
	kind engine.Kind
	name string // in its folder
	path string // absolute
	// stat changes whenever the file may have.
	stat string
	// folder is set when it is a folder: it may hold what a plugin here works with.
	folder bool
	// refusal, if set, is why it is not even looked into; verdict then is ignored
	// or broken.
	refusal *engine.PluginError
	verdict engine.PluginState
}

// key identifies the file across scans.
func (c candidate) key() string { return string(c.kind) + "/" + c.name }

// listFolder returns the candidates of a flat folder by name, or the one with the
// name given. Dot-files are not candidates. The error is that of reading the
// folder.
func listFolder(kind engine.Kind, dir, only string) ([]candidate, error) {
	names := []string{only}
	if only == "" {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("read plugin folder: %w", err)
		}
		names = names[:0]
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	var found []candidate
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			continue
		}
		c := candidate{kind: kind, name: name, path: filepath.Join(dir, name)}
		info, err := os.Stat(c.path) // follows links: a link to a plugin is a plugin
		if err != nil {
			if _, gone := os.Lstat(c.path); errors.Is(gone, fs.ErrNotExist) {
				continue
			}
			c.refuse(engine.PluginBroken, "can't be looked at: "+reason(err), "a link that points nowhere? remove it or mend its target")
		} else {
			c.judge(info)
		}
		found = append(found, c)
	}
	guard(dir, found)
	return found, nil
}

// judge fills in what the file's metadata says.
func (c *candidate) judge(info fs.FileInfo) {
	c.stat = statKey(info)
	switch {
	case info.IsDir():
		c.folder = true
		c.refuse(engine.PluginIgnored, "is a folder", "plugin folders are flat: move the executable itself here")
	case !info.Mode().IsRegular():
		c.refuse(engine.PluginIgnored, "is not a regular file", "")
	case info.Mode().Perm()&0o111 == 0:
		c.refuse(engine.PluginIgnored, "is not executable", fmt.Sprintf("if it is a plugin: chmod +x '%s'", c.path))
	case info.Size() == 0:
		c.refuse(engine.PluginBroken, "is empty", "was it copied completely?")
	}
}

func (c *candidate) refuse(verdict engine.PluginState, message, hint string) {
	c.verdict = verdict
	c.refusal = &engine.PluginError{Stage: "stat", Message: message, Hint: hint}
}

// statPath returns the stat key of a path, "absent" when it can't be looked at.
func statPath(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "absent"
	}
	return statKey(info)
}

// reason is an error without the path that a PathError repeats.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
