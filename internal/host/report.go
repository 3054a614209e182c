package host

import (
	"reflect"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// reportOffers logs what the catalogue has that it had not when this was last
// called: refs that can be used now, or by another binary, refs that no longer
// can, and files in conflict. h.mu is held.
func (h *Host) reportOffers() {
	before, now := h.reported, h.catalogue.Load()
	h.reported = now
	if before == nil {
		before = &catalogue{}
	}
	for _, kind := range []engine.Kind{engine.KindAttack, engine.KindPlanner} {
		for _, o := range now.sorted[kind] {
			if before.offers[kind][o.Ref].Digest != o.Digest {
				h.log.Info("plugin ready", "kind", string(kind), "ref", string(o.Ref), "plugin", o.Plugin, "digest", short(o.Digest))
			}
		}
		for _, o := range before.sorted[kind] {
			if _, offered := now.offers[kind][o.Ref]; !offered {
				h.log.Info("plugin gone", "kind", string(kind), "ref", string(o.Ref), "plugin", o.Plugin)
			}
		}
	}
	h.reportConflicts(before, now)
}

// reportFiles tells which files have become others since reportOffers was last
// called; when it never was, there is nothing to compare with. h.mu is held.
func (h *Host) reportFiles() {
	if h.cfg.Changed == nil || h.reported == nil {
		return
	}
	type key struct {
		kind engine.Kind
		path string
	}
	before := map[key]engine.PluginFile{}
	for _, f := range h.reported.files {
		before[key{f.Kind, f.Path}] = f
	}
	for _, f := range h.catalogue.Load().files {
		k := key{f.Kind, f.Path}
		if old, known := before[k]; !known || !reflect.DeepEqual(old, f) {
			h.cfg.Changed(f)
		}
		delete(before, k)
	}
	for _, f := range h.reported.files { // in their order
		if _, gone := before[key{f.Kind, f.Path}]; gone {
			h.cfg.Changed(engine.PluginFile{Kind: f.Kind, Path: f.Path, SHA256: f.SHA256, Refs: f.Refs, State: engine.PluginGone})
		}
	}
}

func (h *Host) reportConflicts(before, now *catalogue) {
	was := map[string]string{}
	for _, f := range before.files {
		if f.State == engine.PluginConflict {
			was[string(f.Kind)+"/"+f.Path] = f.Error.Message
		}
	}
	for _, f := range now.files {
		if f.State == engine.PluginConflict && was[string(f.Kind)+"/"+f.Path] != f.Error.Message {
			h.log.Warn("a plugin is in conflict with another", "kind", string(f.Kind), "plugin", f.Path,
				"error", f.Error.Message, "hint", f.Error.Hint)
		}
	}
}

// short is as much of a digest as people compare.
func short(digest string) string { return digest[:min(len(digest), 12)] }
