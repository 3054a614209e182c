package host

import (
	"fmt"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long the folders must be quiet before they are looked at: a
	// copy in progress makes an event for each write.
	quiet = 200 * time.Millisecond
	// restless is how long they are waited for to become quiet.
	restless = time.Second
)

// watcher looks at the folders when something in them changes, or something that a
// plugin's description depends on, when a file is to be retried, and every
// RescanEvery in case a change was not seen (network file systems tell nothing).
type watcher struct {
	host   *Host
	notify *fsnotify.Watcher
	// folders are those that are watched; failed those that can't be, though
	// they are there.
	folders, failed map[string]bool
	// paths are what descriptions depend on.
	paths map[string]bool
}

func newWatcher(h *Host) (*watcher, error) {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch the plugin folders: %w", err)
	}
	w := &watcher{host: h, notify: n, folders: map[string]bool{}, failed: map[string]bool{}}
	w.watchFolders()
	return w, nil
}

// run watches until the host is closed.
func (w *watcher) run() {
	defer w.notify.Close() //nolint:errcheck // it ends with the host
	regular := time.NewTicker(w.host.cfg.RescanEvery)
	defer regular.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	soon.Stop()
	var first, due time.Time // of the events not yet acted on; when to act
	w.plan(soon, due)
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if !w.concerns(e) {
				continue
			}
			now := time.Now()
			if first.IsZero() {
				first = now
			}
			due = earlier(now.Add(quiet), first.Add(restless))
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			w.host.log.Warn("watching the plugin folders failed; looking again", "error", err)
			due = time.Now()
		case <-w.host.poke:
			if w.watchFolders() {
				due = time.Now() // something may have changed before it was watched
			}
		case <-regular.C:
			w.look()
			first, due = time.Time{}, time.Time{}
		case <-soon.C:
			w.look()
			first, due = time.Time{}, time.Time{}
		case <-w.host.ctx.Done():
			return
		}
		w.plan(soon, due)
	}
}

// look scans, and watches folders that have appeared.
func (w *watcher) look() {
	w.watchFolders()
	w.host.scan(false)
	w.host.prune(w.host.ctx)
}

// plan sets the timer for the earlier of due and the next retry; neither: never.
func (w *watcher) plan(soon *time.Timer, due time.Time) {
	next := w.host.nextRetry()
	if next.IsZero() || (!due.IsZero() && due.Before(next)) {
		next = due
	}
	if next.IsZero() {
		soon.Stop()
		return
	}
	soon.Reset(max(0, time.Until(next)))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
