package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

const (
	terminateRef = "terminate_ec2_instance:TerminateEC2Instance"
	stopRef      = "stop_ec2_instance:StopEC2Instance"
	rebootRef    = "reboot_ec2_instance:RebootEC2Instance"
	killRef      = "kill_container:KillContainer"
	pauseRef     = "pause_container:PauseContainer"
)

func TestOneIsHitAndOnRecord(t *testing.T) {
	for ref, want := range map[string]struct{ order, states string }{
		terminateRef: {"terminate i-2", "i-1 running, i-2 terminated, i-3 running"},
		"terminate_ec2_instance_not_excluded:TerminateEC2InstanceNotExcluded": {"terminate i-2", "i-1 running, i-2 terminated, i-3 running"},
		stopRef:                        {"stop i-2", "i-1 running, i-2 stopped, i-3 running"},
		rebootRef:                      {"reboot i-2", "i-1 running, i-2 running, i-3 running"},
		killRef:                        {"kill i-2", "i-1 running, i-2 stopped, i-3 running"},
		"stop_container:StopContainer": {"stop i-2", "i-1 running, i-2 stopped, i-3 running"},
		pauseRef:                       {"pause i-2", "i-1 running, i-2 paused, i-3 running"},
	} {
		t.Run(ref, func(t *testing.T) {
			c := put(t, cloud{Nodes: running(3), Slow: true})
			o := strikeOnce(t, c, ref, `{"filters": {"name": "web-*"}, "excluded": {"name": ["web-1", "web-3"]}}`)
			if got := c.states(t); o.failure != "" || got != want.states || !slices.Equal(c.Orders, []string{want.order}) {
				t.Errorf("%s, ordered %q, failure %q", got, c.Orders, o.failure)
			}
			if !slices.Equal(o.targets["selected"], []string{"i-2"}) || !slices.Equal(o.targets["hit"], []string{"i-2"}) {
				t.Errorf("targets %v", o.targets)
			}
			r := o.last()
			if r.Seed != 7 || r.Found != 1 || r.Excluded != 2 || string(r.Candidates) != `[{"id":"i-2","name":"web-2"}]` ||
				!slices.Equal(r.Chosen, []string{"i-2"}) || len(r.Changes) != 1 || r.Changes[0].From != compute.Running {
				t.Errorf("result %+v", r)
			}
			if len(o.results) != 2 || o.results[0].Changes != nil {
				t.Errorf("results %+v: the choice is on record before anything is done", o.results)
			}
		})
	}
}

func TestDryRunsHitNobody(t *testing.T) {
	byPlan := func(s *pluginv1.Start) { s.DryRun = true }
	byArgs := func(*pluginv1.Start) {}
	for _, ref := range []string{terminateRef, stopRef, rebootRef, killRef, pauseRef} {
		for args, set := range map[string]func(*pluginv1.Start){`{"count": 2, "dry_run": true}`: byArgs, `{"count": 2}`: byPlan} {
			c := put(t, cloud{Nodes: running(3)})
			o := strikeOnce(t, c, ref, args, set)
			if got := c.states(t); o.failure != "" || got != "i-1 running, i-2 running, i-3 running" {
				t.Errorf("%s: %s, %s", ref, got, o.failure)
			}
			if len(c.Orders) != 1 || !strings.HasPrefix(c.Orders[0], "dry ") || len(o.records) != 0 || o.targets["hit"] != nil {
				t.Errorf("%s: ordered %q, %d records, targets %v", ref, c.Orders, len(o.records), o.targets)
			}
			if r := o.last(); !r.DryRun || len(r.Chosen) != 2 || r.Changes != nil {
				t.Errorf("%s: result %+v", ref, r)
			}
		}
	}
}

func TestADryRunFailsWhereTheOrderWould(t *testing.T) {
	c := put(t, cloud{Nodes: running(2), Fail: map[string]failure{"terminate": {Kind: "not_allowed", Message: "no permission"}}})
	o := strikeOnce(t, c, terminateRef, `{"dry_run": true}`)
	if o.failure != "the order to terminate would fail: terminate: no permission" {
		t.Error(o.failure)
	}
}

func TestWhomADryRunListsARunHits(t *testing.T) {
	const args = `{"percent": 30}`
	c := put(t, cloud{Nodes: running(20)})
	for seed := range int64(5) {
		listed, err := launch(t, c).Targets(t.Context(), &pluginv1.TargetsRequest{Ref: stopRef, Config: config(stopRef, anybody(args)), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var would []string
		for _, target := range listed.GetTargets() {
			would = append(would, target.GetId())
		}
		o := strikeOnce(t, c, stopRef, args, func(s *pluginv1.Start) { s.Seed, s.DryRun = seed, true })
		if len(would) != 6 || !slices.Equal(would, o.targets["selected"]) {
			t.Errorf("seed %d: listed %v, selected %v", seed, would, o.targets["selected"])
		}
	}
}

func TestARunFailsInWords(t *testing.T) {
	removed := running(1)
	removed[0].Extra = map[string]string{"auto_remove": "true"}
	for _, c := range []struct {
		name, ref, args string
		cloud           cloud
		want            string
		candidates      int // on record; -1: no result at all
	}{
		{"nobody is there", rebootRef, `{}`, cloud{}, "the choice would be empty: there is no candidate; 0 nodes of ec2 match no filters " +
			"(only running ones, unless these say otherwise), and 0 of them are excluded; with allow_empty that is a success", 0},
		{"all would be hit", terminateRef, `{"count": 2}`, cloud{Nodes: running(2)}, "the choice would be all: a count of 2 would take every " +
			"one of the 2 candidates; ask for fewer, or allow it with allow_all", 2},
		{
			"the listing fails", stopRef, `{}`,
			cloud{Fail: map[string]failure{"list": {Kind: "throttled", Message: "slow down"}}},
			"list the candidates: list: slow down", -1,
		},
		{"no such region", rebootRef, `{"region": "nowhere"}`, cloud{}, "cloud: there is no such region", -1},
		{"an unknown filter", terminateRef, `{"filters": {"color": "red"}}`, cloud{Nodes: running(2)}, `list the candidates: bad filter: there is no filter "color"`, -1},
		{"the order fails", rebootRef, `{}`, cloud{Nodes: running(1), Fail: map[string]failure{"reboot": {Message: "no"}}}, "reboot: no", 1},
		{
			"the chosen doesn't run any more", stopRef, `{}`,
			cloud{Nodes: running(1), Leave: "i-1"},
			"bad state: none of the chosen nodes runs any more, so there is nothing to stop", 1,
		},
		{
			"the look before the harm fails", stopRef, `{}`,
			cloud{Nodes: running(1), Fail: map[string]failure{"find": {Message: "no"}}},
			"look at the chosen once more: find: no", 1,
		},
		{"a container that would be removed", killRef, `{}`, cloud{Nodes: removed}, "bad state: the container web-1 (i-1) is removed as soon as it ends " +
			"(docker run --rm), so it can't be started again; exclude it, or allow that with allow_removal", 1},
		{
			"the end doesn't come", terminateRef, `{"wait": "20ms"}`,
			cloud{Nodes: running(1), Stuck: true},
			"the provider took the order, but not all nodes became terminated: await: gave up: the wait of 20ms is over", 1,
		},
		{"an undo at once", stopRef, `{"undo_after": "0s"}`, cloud{Nodes: running(1)}, "undo_after is 0, and must be more than 0", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := put(t, c.cloud)
			o := strikeOnce(t, world, c.ref, c.args)
			if o.failure != c.want {
				t.Errorf("failure %q", o.failure)
			}
			if c.candidates < 0 && len(o.results) != 0 || c.candidates >= 0 && (len(o.results) == 0 || o.last().Found != c.candidates) {
				t.Errorf("results %+v", o.results)
			}
		})
	}
}

func TestNobodyIsASuccessWhereThatIsAllowed(t *testing.T) {
	c := put(t, cloud{})
	o := strikeOnce(t, c, stopRef, `{"allow_empty": true}`)
	if c.states(t); o.failure != "" || len(c.Orders) != 0 || !strings.HasPrefix(o.last().Empty, "the choice would be empty") {
		t.Errorf("failure %q, ordered %q, result %+v", o.failure, c.Orders, o.last())
	}
}

// Whatever the filters say: what doesn't run is neither listed, nor chosen, nor on
// record.
func TestOnlyWhatRunsIsStoppedAndOnRecord(t *testing.T) {
	const args = `{"filters": {"state": "*"}, "count": 2, "allow_all": true}`
	list := running(3)
	list[1].State = compute.Stopped
	for seed := range int64(6) {
		c := put(t, cloud{Nodes: list})
		listed, err := launch(t, c).Targets(t.Context(), &pluginv1.TargetsRequest{Ref: stopRef, Config: config(stopRef, args), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		o := strikeOnce(t, c, stopRef, args, func(s *pluginv1.Start) { s.Seed = seed })
		if c.states(t); o.failure != "" || !slices.Equal(c.Orders, []string{"stop i-1 i-3"}) || len(listed.GetTargets()) != 2 {
			t.Errorf("failure %q, ordered %q, listed %v", o.failure, c.Orders, listed.GetTargets())
		}
		if len(o.records) != 1 || o.records[0].GetDescription() != "starts web-1 (i-1), web-3 (i-3) again" {
			t.Errorf("records %v", o.records)
		}
	}
}

// Somebody stops a node while the first hundred are being stopped, which with
// Docker takes minutes: it is of the second batch, and not this run's.
func TestWhatSomebodyStopsBetweenTwoOrdersIsNotOnRecord(t *testing.T) {
	world := put(t, cloud{Nodes: running(101), Meddle: "i-101"})
	o := strikeOnce(t, world, stopRef, `{"count": 101, "allow_all": true}`)
	if o.failure != "" || !slices.Equal(o.targets["skipped"], []string{"i-101"}) {
		t.Fatalf("failure %q, targets %v", o.failure, o.targets)
	}
	for _, r := range o.records {
		takeBack(t, world, stopRef, r, time.Minute)
	}
	world.states(t)
	for _, n := range world.Nodes {
		if (n.ID == "i-101") != (n.State == compute.Stopped) {
			t.Errorf("%s is %s", n.ID, n.State)
		}
	}
}

// A preview refuses what the run refuses, in the same words.
func TestAPreviewRefusesWhatWouldBeRemoved(t *testing.T) {
	list := running(1)
	list[0].ID, list[0].Extra = strings.Repeat("0123456789abcdef", 4), map[string]string{"auto_remove": "true"}
	c := put(t, cloud{Nodes: list})
	o := strikeOnce(t, c, killRef, `{}`)
	const words = "bad state: the container web-1 (0123456789ab) is removed as soon as it ends"
	if !strings.HasPrefix(o.failure, words) {
		t.Error(o.failure)
	}
	listed, err := launch(t, c).Targets(t.Context(), &pluginv1.TargetsRequest{Ref: killRef, Config: config(killRef, anybody(`{}`)), Seed: 7})
	if err != nil || listed.GetFailure().GetMessage() != o.failure {
		t.Errorf("%v, %v", listed, err)
	}
	listed, err = launch(t, c).Targets(t.Context(), &pluginv1.TargetsRequest{
		Ref: killRef, Config: config(killRef, anybody(`{"allow_removal": true}`)), Seed: 7,
	})
	if err != nil || len(listed.GetTargets()) != 1 {
		t.Errorf("%v, %v", listed, err)
	}
}

// Misspelt or misplaced filters never mean every machine.
func TestWithoutFiltersNobodyIsHit(t *testing.T) {
	c := put(t, cloud{Nodes: running(3)})
	for _, ref := range []string{terminateRef, stopRef, rebootRef, killRef, pauseRef} {
		o := strikeOnce(t, c, ref, `{}`, func(s *pluginv1.Start) { s.Config = config(ref, `{}`) })
		if c.states(t); o.failure != "filters are missing; empty filters, {}, mean every running node" || len(c.Orders) != 0 {
			t.Errorf("%s: failure %q, ordered %q", ref, o.failure, c.Orders)
		}
		listed, err := launch(t, c).Targets(t.Context(), &pluginv1.TargetsRequest{Ref: ref, Config: config(ref, `{}`), Seed: 7})
		if err != nil || listed.GetFailure().GetPointer() != "/args/filters" {
			t.Errorf("%s: %v, %v", ref, listed, err)
		}
	}
}

func TestTheLogSaysWhatHappenedAndToWhom(t *testing.T) {
	o := strikeOnce(t, put(t, cloud{Nodes: running(1)}), stopRef, `{}`)
	for _, want := range []string{"ordered", "web-1 (i-1)", "all are in their final state"} {
		if !strings.Contains(o.log, want) {
			t.Errorf("%q is not in the log: %s", want, o.log)
		}
	}
	o = strikeOnce(t, put(t, cloud{Nodes: running(1), Fail: map[string]failure{"stop": {Message: "no"}}}), stopRef, `{}`)
	if !strings.Contains(o.log, "the order failed") || !strings.Contains(o.log, "stop: no") || strings.Contains(o.log, "ordered") ||
		strings.Contains(o.log, "final state") {
		t.Errorf("the log of an order that failed: %s", o.log)
	}
}

func TestAContainerMayBeRemovedWhereThatIsAllowed(t *testing.T) {
	list := running(2)
	list[0].Extra = map[string]string{"auto_remove": "true"}
	c := put(t, cloud{Nodes: list, Slow: true})
	o := strikeOnce(t, c, killRef, `{"count": 2, "allow_all": true, "allow_removal": true}`)
	if got := c.states(t); o.failure != "" || got != "i-1 terminated, i-2 stopped" {
		t.Errorf("%s, failure %q", got, o.failure)
	}
	if len(o.records) != 1 || strings.Contains(string(o.records[0].GetRecord()), "i-1") {
		t.Errorf("records %v: what is removed can't be brought back", o.records)
	}
	c = put(t, cloud{Nodes: list[:1], Slow: true})
	o = strikeOnce(t, c, killRef, `{"allow_removal": true}`)
	if got := c.states(t); o.failure != "" || got != "i-1 terminated" || len(o.records) != 0 {
		t.Errorf("%s, failure %q, records %v", got, o.failure, o.records)
	}
}

func TestManyAreHitInSeveralOrdersEachWithItsRecord(t *testing.T) {
	c := put(t, cloud{Nodes: running(250)})
	o := strikeOnce(t, c, stopRef, `{"count": 240}`)
	c.states(t)
	if o.failure != "" || len(c.Orders) != 3 || len(o.records) != 3 || len(o.targets["hit"]) != 240 || o.last().ChangesCount != 240 {
		t.Errorf("failure %q, %d orders, %d records, %d hit, %d changes", o.failure, len(c.Orders), len(o.records), len(o.targets["hit"]), o.last().ChangesCount)
	}
	for _, r := range o.records {
		if len(r.GetRecord()) > 32<<10 {
			t.Errorf("a record has %d bytes", len(r.GetRecord()))
		}
	}
}

func TestAnOrderThatHalfSucceeds(t *testing.T) {
	c := put(t, cloud{Nodes: running(4), Fail: map[string]failure{"stop": {Message: "the second said no", Half: true}}})
	o := strikeOnce(t, c, stopRef, `{"count": 3}`)
	c.states(t)
	if o.failure != "stop: the second said no" || len(o.targets["hit"]) != 1 || len(o.last().Changes) != 1 {
		t.Errorf("failure %q, targets %v, result %+v", o.failure, o.targets, o.last())
	}
	if len(o.records) != 1 || strings.Count(string(o.records[0].GetRecord()), "i-") != 3 {
		t.Errorf("records %v: all three may have been hit", o.records)
	}
}

func TestUndoAfterIsKeptByTheHost(t *testing.T) {
	c := put(t, cloud{Nodes: running(2)})
	o := strikeOnce(t, c, pauseRef, `{"undo_after": "1h"}`)
	if o.failure != "" || len(o.records) != 1 {
		t.Fatalf("failure %q, records %v", o.failure, o.records)
	}
	if after := o.records[0].GetUndoAt().AsTime().Sub(timestamppb.Now().AsTime()); after.Minutes() < 55 || after.Minutes() > 60 {
		t.Errorf("undone after %s", after)
	}
}

func TestAStopWhileItWaits(t *testing.T) {
	c := put(t, cloud{Nodes: running(1), Stuck: true})
	stream, err := launch(t, c).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	send := func(m *pluginv1.HostMessage) {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{
		Ref: terminateRef, RunId: "r", Config: config(terminateRef, `{"filters": {}}`), Seed: 7, Due: timestamppb.Now(), Timeout: durationpb.New(0), Zone: "UTC",
	}}})
	o := told{targets: map[string][]string{}}
	for {
		message, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if o.hear(t, message); len(o.results) == 2 {
			send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stop{Stop: &pluginv1.Stop{
				Cause: pluginv1.StopCause_STOP_CAUSE_HALTED, Reason: "enough",
			}}})
			o.results = nil
		}
		if finished := message.GetFinished(); finished != nil {
			if !strings.Contains(finished.GetFailure().GetMessage(), "stopped: halted: enough") {
				t.Error(finished)
			}
			return
		}
	}
}
