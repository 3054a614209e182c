package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// process is one that a run left.
type process struct {
	pid   int
	about string
}

func (p process) kill() { _ = syscall.Kill(p.pid, syscall.SIGKILL) } // it may be gone

// leftovers lists what is there of calls in this world: processes, files in the
// folders of running plugins, and sockets. While nothing runs it is empty.
func (w *world) leftovers() ([]string, error) {
	var found []string
	for _, p := range w.processes() {
		found = append(found, p.about)
	}
	for _, folder := range []string{filepath.Join(w.state(), "run"), w.temporary()} {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look for leftovers: %w", err)
		}
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			if inner, err := os.ReadDir(path); folder == w.temporary() && err == nil && len(inner) == 0 {
				continue // where processes get their folders when the state folder's path is long
			}
			found = append(found, "file "+path)
		}
	}
	sockets, err := w.sockets()
	return append(found, sockets...), err
}

func (w *world) sockets() ([]string, error) {
	var found []string
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // removed while we walk
		case err != nil:
			return err
		case path == filepath.Join(w.state(), "cmed.sock"): // the daemon's own, not a call's
		case e.Type()&fs.ModeSocket != 0:
			found = append(found, "socket "+path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for sockets: %w", err)
	}
	return found, nil
}

// processes lists the plugins of this world that live and what they started:
// the mark and the plugin file's path are in their environment (proc(5)).
func (w *world) processes() []process {
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	path := []byte(pluginv1.EnvPluginPath + "=" + w.dir + "/")
	var list []process
	for _, file := range environs {
		environ, err := os.ReadFile(file) //nolint:gosec // in /proc
		if err != nil {
			continue // it has ended, or is somebody else's
		}
		entries := bytes.Split(environ, []byte{0})
		mark, ours := "", false
		for _, entry := range entries {
			ours = ours || bytes.HasPrefix(entry, path)
			if value, found := bytes.CutPrefix(entry, []byte(pluginv1.EnvRun+"=")); found {
				mark = string(value)
			}
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if !ours || err != nil {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline")) // "" when it has just ended
		list = append(list, process{pid, fmt.Sprintf("process %d %q of %s", pid, bytes.ReplaceAll(command, []byte{0}, []byte{' '}), mark)})
	}
	return list
}

// endStrays ends the processes that left their session with a cleared
// environment, and says how many still lived.
func (w *world) endStrays() int {
	alive := 0
	for _, line := range lines(script.Strays(w.dir)) {
		number, start, _ := strings.Cut(line, " ")
		pid, err := strconv.Atoi(number)
		stat, unread := os.ReadFile("/proc/" + number + "/stat") //nolint:gosec // in /proc
		if err == nil && unread == nil && strings.Contains(string(stat), " "+start+" ") {
			alive++
			process{pid: pid}.kill()
		}
	}
	_ = os.Remove(script.Strays(w.dir)) // there may be none
	return alive
}

// lines returns the lines of a file, none when there is no file.
func lines(path string) []string {
	text, err := os.ReadFile(path) //nolint:gosec // in our own folder
	if err != nil {
		return nil
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}
