package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// watchFolders watches the plugin folders and what descriptions depend on, and
// nothing else any more. It says whether a folder is watched that was not before.
func (w *watcher) watchFolders() (more bool) {
	w.paths = w.host.watchedPaths()
	watched, failed := map[string]bool{}, map[string]bool{}
	for dir := range w.wanted() {
		err := w.notify.Add(dir) // again too: it may be another by now
		watched[dir] = err == nil
		more = more || err == nil && !w.folders[dir]
		failed[dir] = err != nil && !errors.Is(err, fs.ErrNotExist)
		if failed[dir] && !w.failed[dir] {
			w.host.log.Warn("a folder can't be watched; it is looked at from time to time", "folder", dir, "error", err)
		}
	}
	for dir := range w.folders {
		if !watched[dir] {
			_ = w.notify.Remove(dir) // it may be gone
		}
	}
	w.folders, w.failed = watched, failed
	return more
}

// wanted are the folders to watch: the plugin folders, or of one that does not
// exist its parent, to see it appear; and of what a description depends on the
// folder it lies in, and itself if it is one.
func (w *watcher) wanted() map[string]bool {
	dirs := map[string]bool{}
	for _, dir := range []string{w.host.cfg.AttacksDir, w.host.cfg.PlannersDir} {
		dirs[dir] = true
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			dirs[filepath.Dir(dir)] = true
		}
	}
	for path := range w.paths {
		dirs[filepath.Dir(path)] = true
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			dirs[path] = true
		}
	}
	return dirs
}

// concerns says whether an event is about a plugin folder or a file in one, or
// about something that a description depends on.
func (w *watcher) concerns(e fsnotify.Event) bool {
	parent := filepath.Dir(e.Name)
	if w.paths[e.Name] || w.paths[parent] && e.Op&(fsnotify.Create|fsnotify.Remove|fsnotify.Rename) != 0 {
		return true
	}
	only := w.host.cfg.Only
	for _, dir := range []string{w.host.cfg.AttacksDir, w.host.cfg.PlannersDir} {
		if e.Name == dir || parent == dir && (only == "" || only == filepath.Base(e.Name)) {
			return true
		}
	}
	return false
}

// watchedPaths are the files and folders that the files' descriptions depend on.
func (h *Host) watchedPaths() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	paths := map[string]bool{}
	for _, f := range h.files {
		for path := range f.watch {
			paths[path] = true
		}
	}
	return paths
}
