package host

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// catalogue is what the folders offer at one moment. It never changes once
// made; a new one replaces it.
type catalogue struct {
	offers  map[engine.Kind]map[engine.Ref]engine.Offer
	aliases map[engine.Kind]map[engine.Ref]engine.Ref
	sorted  map[engine.Kind][]engine.Offer
	files   []engine.PluginFile
}

// newCatalogue decides who serves what. Of several files with one ref, the one
// in before keeps it, else the first by name gets it. A ref always beats an
// alias.
func newCatalogue(files []*file, before serving, cfg Config) *catalogue {
	files = slices.SortedFunc(slices.Values(files), func(a, b *file) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	c := &catalogue{
		offers:  map[engine.Kind]map[engine.Ref]engine.Offer{},
		aliases: map[engine.Kind]map[engine.Ref]engine.Ref{},
		sorted:  map[engine.Kind][]engine.Offer{},
	}
	for _, kind := range []engine.Kind{engine.KindAttack, engine.KindPlanner} {
		c.offers[kind] = electHolders(kind, files, before[kind], cfg)
		c.sorted[kind] = slices.SortedFunc(maps.Values(c.offers[kind]), func(a, b engine.Offer) int {
			return cmp.Compare(a.Ref, b.Ref)
		})
		c.aliases[kind] = resolveAliases(c.sorted[kind], c.offers[kind])
	}
	depended := dependedOn(files)
	for _, f := range files {
		if !f.folder || !depended[f.path] {
			c.files = append(c.files, c.list(f, cfg))
		}
	}
	return c
}

// dependedOn are the files and folders that served plugins watch. A folder among
// them is where it belongs, so that nobody is told that it is ignored.
func dependedOn(files []*file) map[string]bool {
	paths := map[string]bool{}
	for _, f := range files {
		if f.state != engine.PluginReady {
			continue
		}
		for path := range f.watch {
			paths[path] = true
		}
	}
	return paths
}

// electHolders picks the file for each ref of a kind. The files are sorted.
func electHolders(kind engine.Kind, files []*file, before map[engine.Ref]string, cfg Config) map[engine.Ref]engine.Offer {
	held := map[engine.Ref]engine.Offer{}
	environ := os.Environ()
	for _, f := range files {
		if f.kind != kind || f.state != engine.PluginReady {
			continue
		}
		for _, o := range f.offers {
			if o.Kind != kind {
				continue
			}
			if _, taken := held[o.Ref]; taken && before[o.Ref] != f.name {
				continue
			}
			offer := engine.Offer{Descriptor: o.Descriptor, Digest: f.digest, Plugin: f.name, Compiled: o.schema}
			if offer.EnvWithheld = cfg.withheld(o.Ref, o.Env, environ); len(offer.EnvWithheld) > 0 {
				offer.EnvHint = cfg.grantFlags(grantFlag(o.Ref, offer.EnvWithheld))
			}
			held[o.Ref] = offer
		}
	}
	return held
}

// resolveAliases maps aliases to refs; the first by ref gets an alias that
// several claim.
func resolveAliases(sorted []engine.Offer, refs map[engine.Ref]engine.Offer) map[engine.Ref]engine.Ref {
	aliases := map[engine.Ref]engine.Ref{}
	for _, o := range sorted {
		for _, alias := range o.Aliases {
			_, isRef := refs[alias]
			_, taken := aliases[alias]
			if !isRef && !taken {
				aliases[alias] = o.Ref
			}
		}
	}
	return aliases
}

// list is a file as the plugin list shows it.
func (c *catalogue) list(f *file, cfg Config) engine.PluginFile {
	p := engine.PluginFile{
		Kind: f.kind, Path: f.name, SHA256: f.digest, State: f.state, SDK: f.sdk, Error: f.err, Refs: []engine.Ref{},
		Warnings: f.warnings,
	}
	var lost, hints []string
	asked := f.asked(f.kind)
	for _, o := range f.offers {
		if o.Kind != f.kind {
			continue
		}
		p.Refs = append(p.Refs, o.Ref)
		if holder := c.offers[f.kind][o.Ref].Plugin; holder != f.name && holder != "" {
			lost = append(lost, fmt.Sprintf("%s is served by %s", o.Ref, holder))
		}
		if missing := refused(asked[o.Ref], cfg.granted(o.Ref)); len(missing) > 0 {
			p.EnvRefused = append(p.EnvRefused, missing...)
			hints = append(hints, grantFlag(o.Ref, missing))
		}
	}
	slices.Sort(p.EnvRefused)
	p.EnvRefused = slices.Compact(p.EnvRefused)
	p.EnvHint = cfg.grantFlags(hints...)
	if p.State == engine.PluginReady && len(lost) > 0 {
		p.State = engine.PluginConflict
		p.Error = &engine.PluginError{
			Stage: "conflict", Message: strings.Join(lost, "; "),
			Hint: "remove one of the files; this one takes over when the other is gone",
		}
	}
	return p
}

// serving says which file serves each ref.
func (c *catalogue) serving() serving {
	s := serving{}
	for kind, offers := range c.offers {
		s[kind] = map[engine.Ref]string{}
		for ref, o := range offers {
			s[kind][ref] = o.Plugin
		}
	}
	return s
}

// find looks a ref or an alias up.
func (c *catalogue) find(kind engine.Kind, ref engine.Ref) (engine.Offer, bool) {
	if o, ok := c.offers[kind][ref]; ok {
		return o, true
	}
	o, ok := c.offers[kind][c.aliases[kind][ref]]
	return o, ok
}

// unknown is the error for a ref that nothing serves: what is wrong with the
// file that may have it, and the nearest refs that are served.
func (c *catalogue) unknown(kind engine.Kind, ref engine.Ref) error {
	text := fmt.Sprintf("unknown %s %q", kind, excerpt(string(ref)))
	if f, ok := c.suspect(kind, ref); ok {
		text += fmt.Sprintf("; plugin %s is %s: %s", f.Path, f.State, f.Error.Message)
	}
	if near := nearestRefs(ref, c.sorted[kind]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	} else if len(c.sorted[kind]) == 0 {
		text += fmt.Sprintf("; no %s is served", kind)
	}
	return &engine.Error{Code: engine.CodeNotFound, Message: text}
}

// suspect is a file that does not serve and offers the ref, or has its name.
func (c *catalogue) suspect(kind engine.Kind, ref engine.Ref) (engine.PluginFile, bool) {
	module, _, _ := strings.Cut(string(ref), ":")
	for _, f := range c.files {
		if f.Kind != kind || f.Error == nil {
			continue
		}
		name, _, _ := strings.Cut(f.Path, ".")
		if slices.Contains(f.Refs, ref) || name == module {
			return f, true
		}
	}
	return engine.PluginFile{}, false
}
