package main

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/nearest"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// What guards the daemon must not be off because of a slip of the fingers. An
// unknown flag or key is an error; the environment may hold what others put
// there, and a plugin may still come, so of those it warns.

// otherVariables are those beside the options': of the commands and examples,
// and what a plugin is given, which a daemon started by one inherits.
var otherVariables = []string{
	serverVariable, keyVariable, "CMED_URL",
	pluginv1.CookieKey, pluginv1.EnvRun, pluginv1.EnvLifeline, pluginv1.EnvPluginPath, pluginv1.EnvGrace,
}

// warnOfVariables logs which variables look like cmed's and are not. What they
// hold is not logged.
func warnOfVariables(log hclog.Logger, env []string) {
	var bare []string // without what they all begin with, which says nothing of nearness
	for _, o := range append(slices.Clone(options), option{name: optConfig}) {
		bare = append(bare, strings.TrimPrefix(o.variable(), variablePrefix))
	}
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		rest, ours := strings.CutPrefix(name, variablePrefix)
		if !ours || slices.Contains(bare, rest) || slices.Contains(otherVariables, name) {
			continue
		}
		text := printable(name) + " is no variable of cmed"
		if near := nearest.Name(rest, bare); near != "" {
			text += "; did you mean " + variablePrefix + near + "?"
		}
		log.Warn(text)
	}
}

// warnOfPatterns logs which patterns of attacks match none that is loaded.
func (d *daemon) warnOfPatterns() {
	var names []engine.Ref
	for _, o := range d.engine.Offers(engine.KindAttack) {
		names = append(append(names, o.Ref), o.Aliases...)
	}
	for _, list := range []struct {
		option   string
		patterns []string
	}{{"--allow-attack", d.cfg.limits.Allow}, {"--deny-attack", d.cfg.limits.Deny}} {
		for _, pattern := range list.patterns {
			if !matchesOne(pattern, names) {
				d.log.Warn("a pattern matches no attack that is loaded", "option", list.option, "pattern", pattern)
			}
		}
	}
}

func matchesOne(pattern string, names []engine.Ref) bool {
	return slices.ContainsFunc(names, func(name engine.Ref) bool {
		ok, _ := path.Match(pattern, string(name)) // the pattern is a good one: setPattern
		return ok
	})
}
