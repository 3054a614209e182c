package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// beVictim is a host in a process of its own, which is killed.
func beVictim(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	h, err := New(Config{
		AttacksDir: dir + "/attacks", PlannersDir: dir + "/planners", StateDir: dir + "/state",
		StoreID: testStore, Cache: newMapCache(),
	})
	if err != nil {
		fail(err)
	}
	if err := h.Start(context.Background()); err != nil {
		fail(err)
	}
	o, err := h.Offer(engine.KindAttack, "odd:Odd")
	if err != nil {
		fail(err)
	}
	for _, mode := range []string{"session", "stubborn"} {
		p, err := h.Launch(context.Background(), o, engine.NewExecutorID())
		if err != nil {
			fail(err)
		}
		go p.Run(context.Background(), startIn("hold-"+mode), &record{})
	}
	time.Sleep(time.Hour)
}

func TestReapFindsWhatAKilledHostLeft(t *testing.T) {
	cfg := newConfig(t)
	install(t, cfg.AttacksDir, "odd", "")
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), "HOST_TEST_VICTIM="+cfg.AttacksDir+"/..", "HOST_TEST_STORE="+testStore)
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	eventually(t, func() error {
		left, err := h.leftovers()
		if len(left) < 3 {
			return fmt.Errorf("the victim runs %d processes: %w", len(left), err)
		}
		return nil
	})
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	left, err := h.leftovers()
	if err != nil || len(left) == 0 {
		t.Fatalf("nothing was left: %v", err)
	}
	if err := h.Reap(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What was found was not ours by birth but by adoption.
	eventually(t, func() error {
		_, err := h.live.strays("none", map[int]bool{})
		if kids, _ := orphans(); len(kids) > 0 {
			return fmt.Errorf("children left: %v", kids)
		}
		return err
	})
	h.checkNothingLeft(t)
}
