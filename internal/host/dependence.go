package host

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

const (
	// describeTries is how often a plugin is asked anew because something changed
	// that its answer depends on.
	describeTries = 3
	// clockStep is how far the time that a file system notes may be behind.
	clockStep = 10 * time.Millisecond
)

// describeSteadily asks the copy with a digest what it offers, and again if a file
// that this depends on changed meanwhile: the answer may be of before or after.
func (h *Host) describeSteadily(ctx context.Context, digest, path string) (*seenDescription, error) {
	for try := 1; ; try++ {
		begun := time.Now()
		d, err := h.describe(ctx, digest, path)
		if err != nil {
			return nil, err
		}
		seen := &seenDescription{Description: *d, Watch: watchStats(d, path)}
		if try == describeTries || !changedSince(seen.Watch, begun.Add(-clockStep)) {
			return seen, nil
		}
	}
}

// watchStats are the stat keys of the files and folders that a description depends
// on, by path.
func watchStats(d *pluginv1.Description, path string) map[string]string {
	stats := map[string]string{}
	for _, w := range watchPaths(d, path) {
		stats[w] = statPath(w)
	}
	return stats
}

// watchPaths are the files and folders that a description depends on. One with
// more than pluginv1.MaxWatched is refused later; here they are cut.
func watchPaths(d *pluginv1.Description, plugin string) []string {
	var paths []string
	add := func(list []string) {
		for _, w := range list[:min(len(list), pluginv1.MaxWatched-len(paths))] {
			paths = append(paths, watchPath(plugin, w))
		}
	}
	add(d.Watch)
	for _, o := range d.Offers {
		add(o.Watch)
	}
	return paths
}

// watchPath resolves a watched path against the plugin file's folder.
func watchPath(plugin, watched string) string {
	if filepath.IsAbs(watched) {
		return filepath.Clean(watched)
	}
	return filepath.Join(filepath.Dir(plugin), watched)
}

func unchanged(stats map[string]string) bool {
	for path, stat := range stats {
		if statPath(path) != stat {
			return false
		}
	}
	return true
}

// changedSince says whether one of the paths was modified at that time or later.
func changedSince(stats map[string]string, since time.Time) bool {
	for path := range stats {
		if info, err := os.Stat(path); err == nil && !info.ModTime().Before(since) {
			return true
		}
	}
	return false
}
