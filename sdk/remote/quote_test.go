package remote_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// What is quoted is what a real shell reads, whatever it is and whichever shell.
func FuzzQuote(f *testing.F) {
	var shells [][]string
	for _, name := range []string{"sh", "dash", "bash", "busybox"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		shells = append(shells, map[bool][]string{true: {path, "sh"}, false: {path}}[name == "busybox"])
	}
	if len(shells) == 0 {
		f.Skip("no shell on this machine")
	}
	for _, s := range []string{"", "plain", "-n", "'", "''", `"`, `\`, "a\nb", "$(id)", "`id`", "~root", "a=b", "*", "!", "\x81\x88\xff", "é", "#", "{a,b}", "\r\n", "a'\\''b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) {
			return // no program can be given it
		}
		for _, shell := range shells {
			cmd := exec.Command(shell[0], append(shell[1:len(shell):len(shell)], "-s")...)
			cmd.Stdin = strings.NewReader("v=" + remote.Quote(s) + "\nset -- " + remote.Quote(s) + "\nprintf '%s|%s' \"$v\" \"$1\"\n")
			got, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatal(err)
			}
			if want := s + "|" + s; string(got) != want {
				t.Errorf("%v reads %q, want %q", shell, got, want)
			}
		}
	})
}
