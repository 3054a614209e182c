package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// fleet is several machines with one key to get in; the world is the first.
func fleet(t *testing.T, size int) (w *world, all []sshtest.Access, args func(more string) scriptArgs) {
	t.Helper()
	for range size {
		all = append(all, sshtest.Start(t, sshtest.Options{}).Access)
	}
	w = newWorld(t, all[0])
	return w, all, func(more string) scriptArgs {
		t.Helper()
		a := w.args(`{"remote_script": "", "ssh": {"user": "` + w.User + `", "agent": true, "insecure_ignore_host_key": true}}`)
		a.Hosts = nil
		for _, access := range all {
			var h host
			if err := h.read(access.Addr); err != nil {
				t.Fatal(err)
			}
			a.Hosts = append(a.Hosts, h)
		}
		return readArgs(t, toMap(t, a), more)
	}
}

func TestSomeOfTheHosts(t *testing.T) {
	w, all, fleetArgs := fleet(t, 4)
	withAgent(t, all)
	w.script("main.sh", "echo on")
	args := fleetArgs(`{"count": 2}`)
	d := newFakeDaemon()
	if err := w.attack.run(t.Context(), args, d); err != nil {
		t.Fatal(err)
	}
	doc := d.document(t)
	if len(doc.Nodes) != 2 || doc.Found != 4 || len(doc.Chosen) != 2 || doc.NodeCount != 2 || len(d.records) != 2 {
		t.Errorf("the result: %+v", doc)
	}
	targets, err := w.attack.pick(t.Context(), args, d.Seed(), d.Rand())
	if err != nil || !slices.Equal(compute.IDs(targets.Chosen), doc.Chosen) {
		t.Errorf("a preview chooses %v, the run %v", compute.IDs(targets.Chosen), doc.Chosen)
	}
	if err := w.attack.run(t.Context(), fleetArgs(`{"percent": 100}`), newFakeDaemon()); err == nil || !strings.Contains(err.Error(), "allow_all") {
		t.Errorf("all of them without allow_all: %v", err)
	}
	d = newFakeDaemon()
	if err := w.attack.run(t.Context(), fleetArgs(`{"percent": 10, "at_least": 0, "allow_empty": true}`), d); err != nil || len(d.records) != 0 {
		t.Errorf("none of them: %v, %d records", err, len(d.records))
	}
}

// One machine that fails doesn't keep the others from being attacked.
func TestSomeMachinesFail(t *testing.T) {
	w, all, fleetArgs := fleet(t, 3)
	withAgent(t, all)
	w.script("main.sh", "echo on")
	args := fleetArgs(`{"count": 4, "allow_all": true}`)
	args.Hosts = append(args.Hosts, host{Host: "127.0.0.1", Port: closedPort(t)})
	d := newFakeDaemon()
	err := w.attack.run(t.Context(), args, d)
	if err == nil || !strings.HasPrefix(err.Error(), "1 of 4 machines failed: "+net.JoinHostPort("127.0.0.1", fmt.Sprint(args.Hosts[3].Port))+": the machine can't be reached") {
		t.Errorf("the run ended with %v", err)
	}
	states := map[string]int{}
	for _, state := range d.states() {
		states[state]++
	}
	if states["hit"] != 3 || states["failed"] != 1 || len(d.records) != 3 {
		t.Errorf("states %v, %d records", states, len(d.records))
	}
	for _, n := range d.document(t).Nodes {
		if (n.State == stateFailed) != (n.Status == nil) || (n.State == stateFailed) != (n.Error != "") {
			t.Errorf("%+v", n)
		}
	}
}

func TestAStopReachesAllMachines(t *testing.T) {
	w, all, fleetArgs := fleet(t, 3)
	withAgent(t, all)
	w.script("main.sh", "echo on; sleep 1000")
	d := newFakeDaemon()
	ctx, stop := context.WithCancelCause(t.Context())
	ended := w.background(ctx, d, fleetArgs(`{"count": 3, "allow_all": true}`))
	await(t, "all of the scripts", func() bool { return len(d.printed(t, "stdout")) == 3 })
	stop(&sdk.StopError{Cause: sdk.Halted, Reason: "enough"})
	if err := <-ended; err == nil || err.Error() != "stopped: halted: enough" {
		t.Errorf("the run ended with %v", err)
	}
	if got := d.outcomes(); !slices.Equal(got, []sdk.Outcome{sdk.Undone, sdk.Undone, sdk.Undone}) {
		t.Errorf("the records: %q", got)
	}
	for _, access := range all {
		await(t, "the end of the scripts", func() bool { return len(access.Processes()) == 0 })
	}
}

func TestTooManyMachines(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	args := w.args(`{"count": 300, "allow_all": true}`)
	for i := range maxMachines + 1 {
		args.Hosts = append(args.Hosts, host{Host: fmt.Sprintf("web-%d", i)})
	}
	_, err := w.attack.pick(t.Context(), args, 1, rand.New(rand.NewPCG(1, 0)))
	if want := "202 machines are chosen, and one run takes 200 at most; ask for fewer"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// The result stays within what the host takes, however much there is to say.
func TestTheReportIsBounded(t *testing.T) {
	l := &ledger{}
	var shown report
	for range maxMachines {
		shown = l.add(machineReport{ID: strings.Repeat("x", 100), Error: strings.Repeat("e", longestError), Undo: strings.Repeat("u", 100)})
	}
	if n := len(shown.Nodes); n < 30 || n >= maxMachines || len(l.report.Nodes) != maxMachines {
		t.Errorf("%d of %d machines are shown", n, len(l.report.Nodes))
	}
}
