//go:build linux

package host

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// fullCache takes no descriptions, as the store doesn't when the disk is full.
type fullCache struct{ *mapCache }

func (c fullCache) PutCached(key string, value []byte) error {
	if strings.HasPrefix(key, descPrefix) {
		return errors.New("no space left on device")
	}
	return c.mapCache.PutCached(key, value)
}

// TestAnUndoHasItsEnvironmentThoughTheCacheCouldNotBeWritten: what a run was
// granted, its undo is granted too; without its credentials it can't take back
// anything.
func TestAnUndoHasItsEnvironmentThoughTheCacheCouldNotBeWritten(t *testing.T) {
	t.Setenv("ODD_ONE", "1")
	cfg := newConfig(t)
	cfg.Cache = fullCache{newMapCache()}
	cfg.Grants = []Grant{{Ref: "odd:*", Vars: []string{"ODD_ONE"}}}
	install(t, cfg.AttacksDir, "odd", "")
	b := open(t, cfg)
	p := b.launch("odd:Odd")
	has := func(pid int) bool {
		environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		return err == nil && bytes.Contains(environ, []byte("ODD_ONE=1"))
	}
	if !has(p.PID()) {
		t.Fatal("not even the run has it")
	}
	p.Discard()
	record := engine.UndoRecord{
		UndoID: engine.UndoID{Executor: engine.NewExecutorID(), Sequence: 1}, Ref: "odd:Odd",
		Digest: b.offer(engine.KindAttack, "odd:Odd").Digest, Record: []byte(`{"n":1}`),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = b.Undo(t.Context(), engine.UndoCall{Record: record, Config: configIn("hang"), Timeout: 2 * time.Second}, func(engine.LogEntry) {})
	}()
	seen := false
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end) && !seen; time.Sleep(10 * time.Millisecond) {
		for _, c := range b.live.all() {
			seen = seen || has(c.pid)
		}
	}
	<-done
	if !seen {
		t.Error("the undo is run without the variables that the run was granted")
	}
}
