package pluginv1

import (
	"regexp"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	refs := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}:[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)
	aliases := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}$`)
	long := strings.Repeat("a", 100)
	for _, s := range []string{
		"", ":", "a", "a:B", "a.b-c:B_9", "a.B", ".a:B", "-a:B", "a:.B", "a:-B", "a:", ":B", "a:b:C", "a:B\n", "a :B", "é:B", "9:9",
		long + ":" + long, long + "a:B", "a:" + long + "a", long + long, long + long + "a",
	} {
		if got := IsRef(s); got != refs.MatchString(s) {
			t.Errorf("IsRef(%q) = %t", s, got)
		}
		if got := IsAlias(s); got != aliases.MatchString(s) {
			t.Errorf("IsAlias(%q) = %t", s, got)
		}
	}
}
