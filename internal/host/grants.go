package host

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Grant lets the plugins of some refs see some variables of the host's
// environment. A variable is passed on only if it is granted and the plugin
// asks for it.
type Grant struct {
	// Ref is a glob over refs, as path.Match reads it: "terminate_*:*".
	Ref string
	// Vars are names, or prefixes that end in a star: "AWS_*".
	Vars []string
}

var variable = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*\*?|\*)$`)

// ParseGrant reads "ref-glob=VAR,VAR_*".
func ParseGrant(s string) (Grant, error) {
	ref, list, ok := strings.Cut(s, "=")
	if !ok || ref == "" || list == "" {
		return Grant{}, fmt.Errorf("%q is not of the form ref=VAR,VAR_*", s)
	}
	if _, err := path.Match(ref, ""); err != nil {
		return Grant{}, fmt.Errorf("%q is not a pattern for refs: %w", ref, err)
	}
	g := Grant{Ref: ref}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if !variable.MatchString(name) {
			return Grant{}, fmt.Errorf("%q is not the name of an environment variable", name)
		}
		if pluginv1.SetByHost(name) {
			return Grant{}, fmt.Errorf("%s can't be granted: cmed sets it itself", name)
		}
		g.Vars = append(g.Vars, name)
	}
	return g, nil
}

// passTo returns the variables a ref's process gets from the host's own
// environment.
func (h *Host) passTo(ref engine.Ref, asked []string) []string {
	if len(asked) == 0 {
		return nil
	}
	return pass(os.Environ(), asked, h.cfg.granted(ref))
}

// granted returns the patterns of variables that are granted to a ref.
func (c Config) granted(ref engine.Ref) []string {
	var vars []string
	for _, g := range c.Grants {
		if ok, err := path.Match(g.Ref, string(ref)); err == nil && ok {
			vars = append(vars, g.Vars...)
		}
	}
	return vars
}

// grantFlag is the flag that grants vars to ref.
func grantFlag(ref engine.Ref, vars []string) string {
	return fmt.Sprintf("--plugin-env '%s=%s'", ref, strings.Join(vars, ","))
}

// grantFlags is what to start the daemon with, besides what it was, to have the
// flags too: any flag replaces the default.
func (c Config) grantFlags(flags ...string) string {
	if c.DefaultGrants && len(flags) > 0 {
		flags = slices.Insert(flags, 0, "--plugin-env default")
	}
	return strings.Join(flags, " ")
}

// withheld returns what a ref asks for in vain though there is some of it in
// environ. HOME doesn't count: there always is one, and every process has its
// own.
func (c Config) withheld(ref engine.Ref, asked, environ []string) []string {
	return slices.DeleteFunc(refused(asked, c.granted(ref)), func(ask string) bool {
		missed := pass(environ, []string{ask}, []string{"*"})
		return !slices.ContainsFunc(missed, func(entry string) bool { return !strings.HasPrefix(entry, "HOME=") })
	})
}

// pass returns the entries of environ that are both asked for and granted, and
// are not the host's own to set.
func pass(environ, asked, vars []string) []string {
	var out []string
	for _, entry := range environ {
		name, _, ok := strings.Cut(entry, "=")
		if ok && !pluginv1.SetByHost(name) && matchesAny(asked, name) && matchesAny(vars, name) {
			out = append(out, entry)
		}
	}
	return out
}

// refused returns what is asked for and granted in no part.
func refused(asked, vars []string) []string {
	var out []string
	for _, ask := range asked {
		if !slices.ContainsFunc(vars, func(v string) bool { return overlap(ask, v) }) {
			out = append(out, ask)
		}
	}
	return out
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return overlap(p, name) })
}

// overlap says whether some name matches both patterns.
func overlap(a, b string) bool {
	pa, staredA := strings.CutSuffix(a, "*")
	pb, staredB := strings.CutSuffix(b, "*")
	switch {
	case staredA && staredB:
		return strings.HasPrefix(pa, pb) || strings.HasPrefix(pb, pa)
	case staredA:
		return strings.HasPrefix(pb, pa)
	case staredB:
		return strings.HasPrefix(pa, pb)
	default:
		return pa == pb
	}
}
