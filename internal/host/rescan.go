package host

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Rescan looks at the folders now, at files that are broken too, and returns
// when every file has been looked into.
func (h *Host) Rescan(ctx context.Context) error {
	settled := h.scan(true)
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-h.ctx.Done():
		return errClosed
	}
}

// scan lists the folders and begins to look into what is new, has changed or is
// to be retried; all that does not serve if everything is set. Nothing is read
// or executed for a file whose stat is unchanged. The channel returned is closed
// when all looks are over.
func (h *Host) scan(everything bool) <-chan struct{} {
	h.judgeScripts()
	var candidates []candidate
	for _, kind := range []engine.Kind{engine.KindAttack, engine.KindPlanner} {
		found, err := listFolder(kind, h.dir(kind), h.cfg.Only)
		h.reportFolder(kind, err)
		candidates = append(candidates, found...)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	present := map[string]bool{}
	for _, c := range candidates {
		present[c.key()] = true
		h.consider(c, everything, now)
	}
	maps.DeleteFunc(h.files, func(key string, _ *file) bool { return !present[key] })
	if h.lookers == 0 {
		h.settle()
	} else {
		h.publish()
	}
	return h.settled
}

// consider decides whether a candidate must be looked into. h.mu is held.
func (h *Host) consider(c candidate, everything bool, now time.Time) {
	f := h.files[c.key()]
	if f == nil {
		f = &file{candidate: c, finding: pending()}
		h.files[c.key()] = f
		h.look(f)
		return
	}
	due := !f.retryAt.IsZero() && !now.Before(f.retryAt)
	unserved := f.state == engine.PluginBroken || f.state == engine.PluginIncompatible
	if f.fresh(c) && !due && (!everything || !unserved) {
		return
	}
	if !f.fresh(c) {
		f.attempts = 0
	}
	f.candidate = c
	h.look(f)
}

// look inspects the file in a goroutine. h.mu is held.
func (h *Host) look(f *file) {
	if f.looking {
		f.again = true
		return
	}
	if h.ctx.Err() != nil {
		return
	}
	f.looking = true
	if h.lookers == 0 {
		h.settled = make(chan struct{})
	}
	h.lookers++
	c := f.candidate
	h.work.Go(func() {
		found := h.inspect(h.ctx, c)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.looked(f, found)
	})
}

// looked takes a finding in. h.mu is held.
func (h *Host) looked(f *file, found finding) {
	f.looking = false
	if h.ctx.Err() == nil {
		h.tell(f, found)
		f.settle(found, time.Now())
	}
	if f.again && h.files[f.key()] == f {
		f.again = false
		h.look(f)
	}
	h.lookers--
	if h.lookers == 0 {
		h.settle()
		close(h.settled)
	} else {
		h.publish()
	}
	h.wake()
}

// publish makes what is known now the catalogue. h.mu is held.
func (h *Host) publish() {
	h.catalogue.Store(newCatalogue(slices.Collect(maps.Values(h.files)), h.serving, h.cfg))
}

// settle publishes and remembers who serves what: only when no file is being
// looked into, so that who was asked first makes no difference. h.mu is held.
func (h *Host) settle() {
	h.publish()
	h.reportFiles()
	h.reportOffers()
	now := h.catalogue.Load().serving()
	if !maps.EqualFunc(now, h.serving, maps.Equal[map[engine.Ref]string, map[engine.Ref]string]) {
		h.serving = now
		h.memory.store(servingKey, now)
	}
}

// tell logs that a file can't be used, or not all of it, when that is news. h.mu is
// held.
func (h *Host) tell(f *file, found finding) {
	same := f.state == found.state && f.digest == found.digest &&
		(f.err == nil) == (found.err == nil) && (f.err == nil || f.err.Message == found.err.Message)
	if !same && found.err != nil && found.state != engine.PluginIgnored {
		h.log.Warn("a plugin can't be used", "plugin", f.path, "state", string(found.state),
			"stage", found.err.Stage, "error", found.err.Message)
	}
	for _, w := range found.warnings {
		if !slices.Contains(f.warnings, w) {
			h.log.Warn("a plugin can't offer all it has", "plugin", f.path, "warning", w)
		}
	}
}

// reportFolder logs a folder that can't be read, once.
func (h *Host) reportFolder(kind engine.Kind, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	dir := h.dir(kind)
	was := h.missing[dir]
	h.missing[dir] = err != nil
	switch {
	case err != nil && !was && errors.Is(err, fs.ErrNotExist):
		h.log.Warn("a plugin folder does not exist; it is empty until it appears", "folder", dir)
	case err != nil && !was:
		h.log.Warn("a plugin folder can't be read", "folder", dir, "error", err)
	case err == nil && was:
		h.log.Info("a plugin folder has appeared", "folder", dir)
	}
}

// nextRetry is when a file is to be looked at again, zero if none is.
func (h *Host) nextRetry() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	var next time.Time
	for _, f := range h.files {
		if !f.looking && !f.retryAt.IsZero() && (next.IsZero() || f.retryAt.Before(next)) {
			next = f.retryAt
		}
	}
	return next
}

// wake has the watcher plan its next look anew.
func (h *Host) wake() {
	select {
	case h.poke <- struct{}{}:
	default:
	}
}

// prune removes copies that neither serve, nor run, nor are needed for an undo,
// and forgets files that are no longer there.
func (h *Host) prune(ctx context.Context) {
	since := h.copies.moment()
	keep, present, retained := h.inUse()
	if keep == nil || retained == nil {
		return
	}
	extra, err := h.copies.extra(keep)
	if err != nil || len(extra) == 0 {
		return
	}
	needed, err := retained(ctx)
	if err != nil {
		h.log.Warn("it can't be told which plugin copies are still needed", "error", err)
		return
	}
	extra = slices.DeleteFunc(extra, func(d string) bool { return needed[d] })
	removed, err := h.copies.prune(extra, since)
	if err != nil {
		h.log.Warn("an unused plugin copy can't be removed", "error", err)
	}
	for _, d := range removed {
		h.memory.forgetDigest(d)
	}
	h.memory.forgetFiles(present)
}

// inUse returns the digests of the files and their keys; nil while a file is
// being looked into.
func (h *Host) inUse() (digests, keys map[string]bool, retained func(context.Context) (map[string]bool, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lookers > 0 {
		return nil, nil, nil
	}
	digests, keys = map[string]bool{}, map[string]bool{}
	for key, f := range h.files {
		keys[key] = true
		digests[f.digest] = true
	}
	return digests, keys, h.retained
}
