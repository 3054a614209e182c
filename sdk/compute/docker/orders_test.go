package docker

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

func TestKilledAndStarted(t *testing.T) {
	d, e := openReal(t)
	id := e.Run(t, "", nil, stubborn...)
	mustChange(t, d.Kill, id, compute.Running, compute.Stopped)
	mustBe(t, e, id, "exited")
	mustChange(t, d.Start, id, compute.Stopped, compute.Running)
	mustBe(t, e, id, "running")
}

func TestStoppedAndStarted(t *testing.T) {
	d, e := openReal(t)
	id := e.Run(t, "", nil)
	mustChange(t, d.Stop, id, compute.Running, compute.Stopped)
	var c struct{ State struct{ ExitCode int } }
	if e.Inspect(t, id, &c); c.State.ExitCode != 0 {
		t.Errorf("it was not asked to stop: exit status %d", c.State.ExitCode)
	}
	mustChange(t, d.Start, id, compute.Stopped, compute.Running)
	mustBe(t, e, id, "running")
}

func TestPausedAndUnpaused(t *testing.T) {
	d, e := openReal(t)
	id := e.Run(t, "", nil)
	mustChange(t, d.Pause, id, compute.Running, compute.Paused)
	mustBe(t, e, id, "paused")
	mustChange(t, d.Unpause, id, compute.Paused, compute.Running)
	mustBe(t, e, id, "running")
}

func TestRebooted(t *testing.T) {
	d, e := openReal(t)
	id := e.Run(t, "", nil)
	before, err := d.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	mustChange(t, d.Reboot, id, compute.Running, compute.Running)
	mustBe(t, e, id, "running")
	after, err := d.Find(t.Context(), id)
	if err != nil || !after[0].Started.After(before[0].Started) {
		t.Errorf("started at %v, then at %v: %v", before, after, err)
	}
}

func TestTerminatedWithItsAnonymousVolumes(t *testing.T) {
	d, e := openReal(t)
	id := e.RunContainer(t, dockertest.Container{Command: stubborn, Volume: "/data"})
	var c struct{ Mounts []struct{ Name string } }
	if e.Inspect(t, id, &c); len(c.Mounts) != 1 {
		t.Fatalf("mounts: %+v", c.Mounts)
	}
	mustChange(t, d.Terminate, id, compute.Running, compute.Terminated)
	mustBe(t, e, id, dockertest.Gone)
	if e.Read(t, "/volumes/"+c.Mounts[0].Name, nil) {
		t.Error("its volume is still there")
	}
	if err := d.Await(t.Context(), compute.Terminated, id); err != nil {
		t.Error(err)
	}
}

func TestAContainerThatIgnoresSIGTERMIsKilledAfterItsOwnTimeout(t *testing.T) {
	d, e := openReal(t)
	id := e.RunContainer(t, dockertest.Container{Command: stubborn, StopSeconds: 1})
	d.call = 500 * time.Millisecond // what waits must not be bound by what answers at once
	began := time.Now()
	mustChange(t, d.Stop, id, compute.Running, compute.Stopped)
	mustBe(t, e, id, "exited")
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("it took only %s", took)
	}
}

func TestAPausedContainerCanBeEnded(t *testing.T) {
	d, e := openReal(t)
	stopped, killed := e.Run(t, "", nil), e.Run(t, "", nil)
	for _, id := range []string{stopped, killed} {
		mustChange(t, d.Pause, id, compute.Running, compute.Paused)
	}
	mustChange(t, d.Stop, stopped, compute.Paused, compute.Stopped)
	mustBe(t, e, stopped, "exited")
	mustChange(t, d.Kill, killed, compute.Paused, compute.Stopped)
	mustBe(t, e, killed, "exited")
}

// Facts that Kill's comment states.
func TestTheRestartPolicyDoesNotMendAKill(t *testing.T) {
	d, e := openReal(t)
	crashed := e.RunContainer(t, dockertest.Container{Restart: "always", Command: []string{"sh", "-c", "sleep 0.2; exit 1"}})
	killed := e.RunContainer(t, dockertest.Container{Restart: "always", Command: stubborn})
	mustChange(t, d.Kill, killed, compute.Running, compute.Stopped)
	restarts := func(id string) int {
		var c struct{ RestartCount int }
		e.Inspect(t, id, &c)
		return c.RestartCount
	}
	for deadline := time.Now().Add(20 * time.Second); restarts(crashed) < 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the one that crashes is not restarted")
		}
	}
	mustBe(t, e, killed, "exited")
	if n := restarts(killed); n != 0 {
		t.Errorf("the killed one was restarted %d times", n)
	}
	mustChange(t, d.Start, killed, compute.Stopped, compute.Running)
}

func TestAContainerThatIsRestartedAllTheTimeCanBeEnded(t *testing.T) {
	for _, c := range []struct {
		do    action
		state compute.State
	}{{stop, compute.Stopped}, {kill, compute.Stopped}, {terminate, compute.Terminated}} {
		t.Run(c.do.operation, func(t *testing.T) {
			d, e := openReal(t)
			id := e.RunContainer(t, dockertest.Container{Restart: "always", Command: []string{"false"}})
			soon(t, e, id, "restarting")
			if _, err := d.order(t.Context(), order(id), c.do); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := contextFor(t, 20*time.Second, errors.New("too long"))
			defer cancel()
			if err := d.Await(ctx, c.state, id); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestWhatIsRunWithRmIsGoneAfterwards(t *testing.T) {
	for name, do := range map[string]func(*driver) func(t *testing.T, id string){
		"stop": func(d *driver) func(*testing.T, string) {
			return func(t *testing.T, id string) { mustChange(t, d.Stop, id, compute.Running, compute.Terminating) }
		},
		"kill": func(d *driver) func(*testing.T, string) {
			return func(t *testing.T, id string) { mustChange(t, d.Kill, id, compute.Running, compute.Terminating) }
		},
		"terminate": func(d *driver) func(*testing.T, string) {
			return func(t *testing.T, id string) {
				mustChange(t, d.Terminate, id, compute.Running, compute.Terminated)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := openReal(t)
			id := e.RunContainer(t, dockertest.Container{AutoRemove: true})
			do(d)(t, id)
			if err := d.Await(t.Context(), compute.Terminated, id); err != nil {
				t.Fatal(err)
			}
			mustBe(t, e, id, dockertest.Gone)
			_, err := d.Start(t.Context(), order(id))
			mustFail(t, err, compute.ErrNotFound, "ContainerInspect "+id[:12]+": No such container")
			err = d.Await(t.Context(), compute.Stopped, id)
			mustFail(t, err, compute.ErrNotFound)
		})
	}
}

func TestWhatIsAlreadySoIsLeftAsItIs(t *testing.T) {
	d, e := openReal(t)
	running, exited, created := e.Run(t, "", nil), e.Run(t, "", nil, "true"), e.Create(t, dockertest.Container{})
	soon(t, e, exited, "exited")
	mustChange(t, d.Start, running, compute.Running, compute.Running)
	mustChange(t, d.Stop, exited, compute.Stopped, compute.Stopped)
	mustChange(t, d.Stop, created, compute.Stopped, compute.Stopped)
	mustBe(t, e, created, "created")
}

func TestAStateThatDoesNotAllowIt(t *testing.T) {
	d, e := openReal(t)
	name := "state-" + dockertest.Unique()
	running, exited, paused := e.Run(t, "", nil), e.Run(t, name, nil, "true"), e.Run(t, "", nil)
	soon(t, e, exited, "exited")
	mustChange(t, d.Pause, paused, compute.Running, compute.Paused)
	for _, c := range []struct {
		do   action
		id   string
		text string
	}{
		{kill, exited, `ContainerKill ` + exited[:12] + `: the container "` + name + `" is exited, and must be running or paused or restarting`},
		{pause, exited, "ContainerPause"},
		{reboot, exited, "ContainerRestart"},
		{unpause, running, "is running, and must be paused"},
		{pause, paused, "is paused, and must be running"},
		{start, paused, "ContainerStart"},
	} {
		for _, dry := range []bool{true, false} {
			changes, err := d.order(t.Context(), compute.Order{IDs: []string{c.id}, DryRun: dry}, c.do)
			mustFail(t, err, compute.ErrBadState, c.text)
			if len(changes) > 0 {
				t.Errorf("it changed %+v", changes)
			}
		}
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	d, e := openReal(t)
	running, paused := e.Run(t, "", nil), e.Run(t, "", nil)
	mustChange(t, d.Pause, paused, compute.Running, compute.Paused)
	for _, c := range []struct {
		do action
		id string
	}{{stop, running}, {kill, running}, {pause, running}, {reboot, running}, {terminate, running}, {unpause, paused}, {kill, paused}} {
		changes, err := d.order(t.Context(), compute.Order{IDs: []string{c.id}, DryRun: true}, c.do)
		if err != nil || changes != nil {
			t.Errorf("%s: %+v, %v", c.do.operation, changes, err)
		}
	}
	mustBe(t, e, running, "running")
	mustBe(t, e, paused, "paused")
	gone := e.Run(t, "", nil)
	e.Remove(t, gone)
	_, err := d.Stop(t.Context(), compute.Order{IDs: []string{running, gone}, DryRun: true})
	mustFail(t, err, compute.ErrNotFound)
}

func TestOneThatIsNotThereKeepsAllFromBeingChanged(t *testing.T) {
	d, e := openReal(t)
	running, exited := e.Run(t, "", nil), e.Run(t, "", nil, "true")
	soon(t, e, exited, "exited")
	for _, other := range []string{exited, "0123456789ab", ""} {
		changes, err := d.Kill(t.Context(), order(running, other))
		if err == nil || len(changes) > 0 {
			t.Errorf("%q: %+v, %v", other, changes, err)
		}
	}
	mustBe(t, e, running, "running")
}

func TestManyAtOnceAndEachOnlyOnce(t *testing.T) {
	d, e := openReal(t)
	var ids []string
	for range atOnce + 3 {
		ids = append(ids, e.Run(t, "", nil))
	}
	changes, err := d.Kill(t.Context(), order(append(slices.Clone(ids), ids...)...))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	got := make([]string, len(changes))
	for i, c := range changes {
		got[i] = c.ID
	}
	if !slices.Equal(got, ids) {
		t.Errorf("changed %q, want %q", got, ids)
	}
	if err := d.Await(t.Context(), compute.Stopped, ids...); err != nil {
		t.Error(err)
	}
	if changes, err := d.Kill(t.Context(), order()); err != nil || len(changes) > 0 {
		t.Errorf("nobody: %+v, %v", changes, err)
	}
}

func TestAwaitSeesWhatHappensMeanwhile(t *testing.T) {
	d, e := openReal(t)
	ends := e.Run(t, "", nil, "sh", "-c", "sleep 0.3; exit 7")
	if err := d.Await(t.Context(), compute.Stopped, ends); err != nil {
		t.Fatal(err)
	}
	err := d.Await(t.Context(), compute.Running, ends)
	mustFail(t, err, compute.ErrBadState, "is to be running and is exited with status 7")

	runs := e.Run(t, "", nil)
	awaited := make(chan error, 1)
	go func() { awaited <- d.Await(t.Context(), compute.Stopped, runs) }()
	e.Remove(t, runs)
	err = <-awaited
	if !errors.Is(err, compute.ErrNotFound) && !errors.Is(err, compute.ErrBadState) { // seen gone, or going
		t.Errorf("the error is %v", err)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	d, e := openReal(t)
	id := e.Run(t, "", nil)
	reason := errors.New("somebody pulled the lever")
	ctx, cancel := contextFor(t, 120*time.Millisecond, reason)
	defer cancel()
	err := d.Await(ctx, compute.Stopped, id)
	mustFail(t, err, reason, "to be stopped until: somebody pulled the lever")
}
