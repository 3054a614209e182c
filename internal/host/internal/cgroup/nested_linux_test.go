package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestAGroupThatLivesIsNotGone: a process may make and remove groups beneath its
// own while it is ended.
func TestAGroupThatLivesIsNotGone(t *testing.T) {
	tree, err := Open(newParent(t), "tree")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	wrong, failed := 0, 0
	var first error
	const rounds = 300
	for i := range rounds {
		g, err := tree.New(fmt.Sprint("call", i))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sleep", "600")
		born(t, g.dir, cmd)
		g.Started()
		var stop atomic.Bool
		var churn sync.WaitGroup
		churn.Go(func() {
			for n := 0; !stop.Load(); n++ {
				below := filepath.Join(g.dir, fmt.Sprint("b", n%4))
				_ = os.Mkdir(below, 0o755)
				_ = os.Remove(below)
			}
		})
		gone, err := g.End()
		_, statErr := os.Stat(g.dir)
		if gone && statErr == nil {
			wrong++
		}
		if err != nil {
			failed++
			first = err
		}
		stop.Store(true)
		churn.Wait()
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			if gone, _ := g.End(); gone {
				if _, err := os.Stat(g.dir); err != nil {
					break
				}
			}
		}
		_ = cmd.Wait()
	}
	if wrong > 0 || failed > 0 {
		t.Errorf("of %d groups with a live process %d were called gone, and %d could not be ended (%v)", rounds, wrong, failed, first)
	}
}
