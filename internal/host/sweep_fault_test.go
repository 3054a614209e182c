//go:build linux

package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAProcessThatCannotBeLookedForIsNotGone has the search for what a run left
// fail, as it does when the daemon has no file descriptor left. What is left
// must not be taken for gone: its undo would run beside it.
func TestAProcessThatCannotBeLookedForIsNotGone(t *testing.T) {
	b := openOdd(t)
	dir := t.TempDir()
	note := filepath.Join(dir, "pid")
	c, err := b.spawn(command{
		path: "/bin/sh", dir: dir, mark: b.mark("proof"), env: marks(b.mark("proof"), ""), lifeline: true,
		args: []string{"-c", `setsid sh -c 'echo $$ > "$0.new"; mv "$0.new" "$0"; exec sleep 60' "` + note + `" & wait`},
	})
	if err != nil {
		t.Fatal(err)
	}
	var stray string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && stray == ""; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(note)
		stray = strings.TrimSpace(string(text))
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Cur: 3, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	gone := c.end(0)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	c.closePipes()
	lives := alive(t, stray)
	if gone && lives {
		t.Errorf("the run is said to be over (Exit.Stuck is %v) while its process %s lives", !c.isGone(), stray)
	}
	if _, err := b.Reap(t.Context()); err != nil {
		t.Error(err)
	}
	if n, err := strconv.Atoi(stray); err == nil {
		_, _ = unix.Wait4(n, nil, 0, nil) // it is the test's child now
	}
}
