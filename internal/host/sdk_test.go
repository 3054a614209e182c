//go:build linux

package host

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestAPluginOfTheSDK takes the SDK's own side of the protocol through a whole
// story.
func TestAPluginOfTheSDK(t *testing.T) {
	cfg := newConfig(t)
	cfg.Grace = 5 * time.Second
	for _, dir := range []string{cfg.AttacksDir, cfg.PlannersDir} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "sdk"), "./internal/sdkplugin")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	b := open(t, cfg)
	attack := b.offer(engine.KindAttack, "touch:Touch")
	if attack.Effect != engine.EffectUndoable || !attack.CanUndo {
		t.Errorf("described as %+v", attack.Descriptor)
	}
	planned, err := b.Plan(t.Context(), b.offer(engine.KindPlanner, "now:Now"), engine.PlanCall{
		Name: "mine", Config: touchConfig("now:Now", map[string]any{}), Attack: touchConfig("touch:Touch", nil), Now: time.Now(), Zone: "UTC",
	})
	if err != nil || len(planned.Executions) != 1 {
		t.Errorf("planned %+v, %v", planned, err)
	}
	path := filepath.Join(t.TempDir(), "file")
	sink := &record{}
	config := touchConfig("touch:Touch", map[string]any{"path": path, "wait": true})
	ctx, stop := context.WithCancelCause(t.Context())
	sink.onLog = func(engine.LogEntry) { stop(&engine.StopReason{State: engine.Halted, Reason: "enough"}) }
	p := b.launch("touch:Touch")
	begun := time.Now()
	exit := p.Run(ctx, engine.Start{Executor: engine.NewExecutorID(), Config: config, Due: time.Now(), Timeout: time.Minute}, sink)
	if !exit.Finished || !exit.Stopped || exit.Failure == nil || exit.Status.Code != 0 {
		t.Errorf("a stopped run: %+v", exit)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("took %s to stop", took)
	}
	if _, err := os.Stat(path); err != nil || len(sink.undos) != 1 {
		t.Fatalf("no harm done: %v, %v", err, sink.undos)
	}
	u := engine.UndoRecord{
		UndoID: engine.UndoID{Executor: engine.NewExecutorID(), Sequence: 1}, Ref: "touch:Touch",
		Digest: attack.Digest, Record: sink.undos[0].Record,
	}
	a, err := b.Undo(t.Context(), engine.UndoCall{Record: u, Config: config, Attempt: 1, Timeout: time.Minute}, func(engine.LogEntry) {})
	if err != nil || a.Outcome != engine.OutcomeUndone {
		t.Errorf("undone: %+v, %v", a, err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	p = b.launch("touch:Touch")
	begun = time.Now()
	p.Discard()
	if took := time.Since(begun); took > exitPatience {
		t.Errorf("took %s to be discarded: it did not go by itself", took)
	}
}

func touchConfig(ref engine.Ref, args map[string]any) engine.Config {
	doc, _ := json.Marshal(map[string]any{"ref": ref, "args": args})
	return engine.Config{Ref: ref, Doc: doc}
}
