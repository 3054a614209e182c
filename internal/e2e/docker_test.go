package e2e

import (
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
)

// Containers are killed, stopped and paused, and brought back: when the run is
// halted, and when the daemon died.
func TestContainersAreBroughtBack(t *testing.T) {
	t.Parallel()
	engine := dockertest.Start(t)
	d := start(t, withEnv("DOCKER_HOST="+engine.Host))
	for ref, hit := range map[string]string{
		"kill_container:KillContainer":   "exited",
		"stop_container:StopContainer":   "exited",
		"pause_container:PauseContainer": "paused",
	} {
		label := dockertest.Unique()
		container := engine.Run(t, "c-"+dockertest.Unique(), map[string]string{"chaos": label})
		bystander := engine.Run(t, "c-"+dockertest.Unique(), map[string]string{"chaos": "no" + label})
		for _, dies := range []bool{false, true} {
			id := d.attack(t, ref, args{"filters": args{"label:chaos": label}}, time.Now())
			d.await(t, id, "succeeded")
			if state := engine.State(t, container); state != hit {
				t.Errorf("%s: the container is %s", ref, state)
			}
			if dies {
				d.kill(t)
				d.sweep()
				d.restart(t)
			}
			d.halt(t, id)
			d.awaitUndo(t, id, "undone")
			if state := engine.State(t, container); state != "running" {
				t.Errorf("%s: undone, the container is %s", ref, state)
			}
			if state := engine.State(t, bystander); state != "running" {
				t.Errorf("%s: another container is %s", ref, state)
			}
		}
	}
}
