//go:build linux

package plugincheck

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// A check that is to end by force waits for nobody, says what live runs left, and
// leaves nothing itself.
func TestACheckEndsByForce(t *testing.T) {
	for _, c := range []struct {
		fault, during, left string
		live                bool
	}{
		{fault: "deaf", during: "a dry run of each example ends with an answer"},
		{fault: "undo-hangs", during: "a live run ends with an answer, by itself or within its grace after a Stop", live: true, left: "LEFT BEHIND: run "},
	} {
		t.Run(c.fault, func(t *testing.T) {
			path := unfit(t, c.fault)
			temporary, err := os.MkdirTemp("", "t") // short: sockets are made in there
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(temporary)
			t.Setenv("TMPDIR", temporary)
			enough := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			force := make(chan struct{})
			var forced time.Time
			r, err := Check(ctx, path, Options{
				Live: c.live, Announce: func(string) error { return nil }, Grace: 20 * time.Second, Force: force,
				Making: func(_, title string) {
					if title != c.during {
						return
					}
					time.AfterFunc(500*time.Millisecond, func() {
						cancel(enough)
						forced = time.Now()
						time.AfterFunc(100*time.Millisecond, func() { close(force) })
					})
				},
			})
			if !errors.Is(err, enough) || r == nil {
				t.Fatalf("%+v, %v", r, err)
			}
			if took := time.Since(forced); took > 10*time.Second {
				t.Errorf("it took %s to end", took)
			}
			said := ""
			for _, f := range r.Findings {
				if f.Check == "live-clean" {
					said = f.Message
				}
			}
			if !strings.HasPrefix(said, c.left) {
				t.Errorf("of what is left it says %q", said)
			}
			if entries, err := os.ReadDir(temporary); err != nil || len(entries) > 0 {
				t.Errorf("%v is left, %v", entries, err)
			}
		})
	}
}
