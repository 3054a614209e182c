package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/chaos-monkey-engine/cmed/internal/nearest"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// contexts are the daemons that somebody works with, by names of their own, as
// they stand in the file.
type contexts struct {
	Current  string                 `json:"current,omitempty"`
	Contexts map[string]contextSpec `json:"contexts,omitempty"`
}

// contextSpec is one of them.
type contextSpec struct {
	Server            string `json:"server"`
	Key               string `json:"key,omitempty"`
	KeyFile           string `json:"key_file,omitempty"`
	CAFile            string `json:"ca_file,omitempty"`
	InsecureTransport bool   `json:"insecure_transport,omitempty"`
}

// maxContexts bounds the file, in bytes.
const maxContexts = 1 << 20

// contextName is what a context can be called.
var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// contextsPath is where the file is, "" when the environment does not say where a
// person's configuration belongs (the XDG base directory specification).
func contextsPath(p program) string {
	folder := p.variable("XDG_CONFIG_HOME")
	if home := p.variable("HOME"); !filepath.IsAbs(folder) && filepath.IsAbs(home) {
		folder = filepath.Join(home, ".config")
	}
	if !filepath.IsAbs(folder) {
		return ""
	}
	return filepath.Join(folder, "cmed", "contexts.yaml")
}

// readContexts reads the file. Without one there are no contexts. A file with a
// key in it that others can read is refused.
func readContexts(p program) (contexts, error) {
	var all contexts
	path := contextsPath(p)
	if path == "" {
		return all, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, usagef("read the contexts: %w", err)
	}
	text, err := readSmall(path, maxContexts)
	if err != nil {
		return all, usagef("read the contexts: %w", err)
	}
	// No source in the error: it may hold a key.
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&all); err != nil && len(bytes.TrimSpace(text)) > 0 {
		return all, usagef("read the contexts: %s: %s", path, printable(yaml.FormatError(err, false, false)))
	}
	if info.Mode().Perm()&0o077 != 0 && all.holdKeys() {
		return all, usagef("read the contexts: there are keys in %s, and others can read it: chmod 600 it", path)
	}
	return all, nil
}

func (c contexts) holdKeys() bool {
	for _, spec := range c.Contexts {
		if spec.Key != "" {
			return true
		}
	}
	return false
}

// write replaces the file.
func (c contexts) write(p program) (err error) {
	path := contextsPath(p)
	if path == "" {
		return errors.New("there is no place for contexts: neither XDG_CONFIG_HOME nor HOME is set")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the contexts: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".contexts-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("write the contexts: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write the contexts: %w", err), os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(screen.WriteYAML(file, c), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func (c contexts) names() []string { return slices.Sorted(maps.Keys(c.Contexts)) }

// find returns a context, or an error that names the nearest.
func (c contexts) find(name string) (contextSpec, error) {
	spec, ok := c.Contexts[name]
	if ok {
		return spec, nil
	}
	text := fmt.Sprintf("there is no context %q", printable(name))
	if near := nearest.Name(name, c.names()); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return contextSpec{}, usagef("%s", text)
}

// daemon is the daemon of a context, with its key, which readKey reads out of the
// file that holds it.
func (c contexts) daemon(name string, readKey func(path string) (string, error)) (called, error) {
	spec, err := c.find(name)
	if err != nil {
		return called{}, err
	}
	d := called{
		server: spec.Server, from: "context " + name, context: name,
		caFile: spec.CAFile, insecureTransport: spec.InsecureTransport,
	}
	switch {
	case spec.KeyFile != "":
		d.keyFrom = d.from
		d.key, err = readKey(spec.KeyFile)
	case spec.Key != "":
		d.keyFrom = d.from
		d.key, err = checkKey(spec.Key)
	}
	if err != nil {
		return called{}, usagef("context %s: %w", name, err)
	}
	return d, nil
}
