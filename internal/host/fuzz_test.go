package host

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzOptions reads what operators write about plugins: what is accepted means
// what it says.
func FuzzOptions(f *testing.F) {
	for _, seed := range []string{
		"a:*=AWS_*,X", "a:B=/var/lib/x,/etc", "a:B", "[", "=", "a=nobody", "a=nobody:nogroup", "a=root", "*=*", "a=/x,,/y", "a=0:0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if g, err := ParseGrant(s); err == nil {
			if g.Ref == "" || len(g.Vars) == 0 || slices.Contains(g.Vars, "") {
				t.Errorf("ParseGrant(%q) = %+v", s, g)
			}
		}
		if c, err := ParseConfinement(s); err == nil {
			for _, p := range c.Paths {
				if !filepath.IsAbs(p) || p != filepath.Clean(p) {
					t.Errorf("ParseConfinement(%q) allows %q", s, p)
				}
			}
		}
		if i, err := ParseIdentity(s); err == nil && (i.UID == 0 || i.GID == 0) {
			t.Errorf("ParseIdentity(%q) = %+v: that is root", s, i)
		}
	})
}

// FuzzHandshake reads what a plugin prints first.
func FuzzHandshake(f *testing.F) {
	for _, seed := range []string{"1|1|unix|/tmp/x|grpc|", "1|2|tcp|127.0.0.1:1|netrpc", "", "|", "hello\n", "1|99999999999999999999|unix|x|grpc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line, _, _ := readLine(strings.NewReader(s), maxHandshake)
		if len(line) > maxHandshake || strings.Contains(string(line), "\n") {
			t.Errorf("the first line of %q is %q", s, line)
		}
		if v, ok := handshakeVersion(string(line)); ok && v < 0 {
			t.Errorf("version %d in %q", v, line)
		}
	})
}
