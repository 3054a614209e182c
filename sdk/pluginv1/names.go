package pluginv1

import (
	"slices"
	"strings"
)

// IsRef says whether a host takes s as a ref: module:Name, each part of at most
// 100 ASCII letters, digits, underscores, dots and dashes, and not beginning with a
// dot or a dash.
func IsRef(s string) bool {
	module, name, _ := strings.Cut(s, ":")
	return isName(module, 100, ".-") && isName(name, 100, ".-")
}

// IsAlias says whether a host takes s as an alias: at most 200 characters that may
// stand in a ref, in any order.
func IsAlias(s string) bool { return isName(s, 200, ".-:") }

// isName says whether s has letters, digits and underscores only, and behind the
// first of them also these marks.
func isName(s string, most int, marks string) bool {
	for i := range len(s) {
		word := s[i] == '_' || '0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'z' || 'A' <= s[i] && s[i] <= 'Z'
		if !word && (i == 0 || strings.IndexByte(marks, s[i]) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= most
}

// SetByHost says whether an environment variable, or all with a prefix ("CMED_*"),
// are the host's own to set: they are never passed on from its environment, and a
// plugin can't ask for them. HOME is not: where it is granted, it replaces the
// private folder.
func SetByHost(variable string) bool {
	return strings.HasPrefix(variable, "CMED_") || strings.HasPrefix(variable, "PLUGIN_") ||
		slices.Contains([]string{"PATH", "TMPDIR", "LANG", "TZ"}, variable)
}
