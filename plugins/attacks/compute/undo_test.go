package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// TestUndo hits two nodes, has the world change, and takes it back.
func TestUndo(t *testing.T) {
	for _, c := range []struct {
		name    string
		ref     string
		then    func(c *cloud)
		outcome string
		states  string
		log     string
	}{
		{"what was stopped is started", stopRef, func(*cloud) {}, "undone", "i-1 running, i-2 running, i-3 running", "brought back"},
		{"what was killed is started", killRef, func(*cloud) {}, "undone", "i-1 running, i-2 running, i-3 running", ""},
		{"what was paused goes on", pauseRef, func(*cloud) {}, "undone", "i-1 running, i-2 running, i-3 running", ""},
		{
			"what is still stopping is awaited", stopRef,
			func(c *cloud) { stateOf(c, "i-1", compute.Stopping); c.Slow = true },
			"undone", "i-1 running, i-2 running, i-3 running", "",
		},
		{
			"what the provider doesn't know yet is looked at once more", stopRef,
			func(c *cloud) { c.Late = 1 },
			"undone", "i-1 running, i-2 running, i-3 running", "",
		},
		{
			"what runs already is left alone", stopRef,
			func(c *cloud) { stateOf(c, "i-1", compute.Running); stateOf(c, "i-2", compute.Pending) },
			"nothing_to_do: web-1 (i-1), web-2 (i-2): running, so left as they are", "i-1 running, i-2 pending, i-3 running", "running, so left as they are",
		},
		{
			"what somebody started and stopped again is somebody else's", stopRef,
			func(c *cloud) {
				for i := range c.Nodes {
					c.Nodes[i].Started = c.Nodes[i].Started.Add(time.Minute)
				}
			},
			"not_mine: web-1 (i-1), web-2 (i-2): started since and ended again, so left as they are", "i-1 stopped, i-2 stopped, i-3 running", "started since",
		},
		{
			"what somebody stopped while it was paused is somebody else's", pauseRef,
			func(c *cloud) { stateOf(c, "i-1", compute.Stopped); stateOf(c, "i-2", compute.Stopped) },
			"not_mine: web-1 (i-1), web-2 (i-2): changed by somebody else since, so left as they are", "i-1 stopped, i-2 stopped, i-3 running", "changed by somebody else",
		},
		{
			"what is gone can't come back, and the rest does", stopRef,
			func(c *cloud) { c.Nodes = c.Nodes[1:] },
			"undone", "i-2 running, i-3 running", "gone for good",
		},
		{
			"all are gone", stopRef,
			func(c *cloud) { stateOf(c, "i-1", compute.Terminated); c.Nodes = append(c.Nodes[:1], c.Nodes[2:]...) },
			"not_mine: web-1 (i-1), web-2 (i-2): gone for good", "i-1 terminated, i-3 running", "gone for good",
		},
		{
			"all are gone from the same account", stopRef,
			func(c *cloud) { c.Nodes = c.Nodes[2:] },
			"not_mine: web-1 (i-1), web-2 (i-2): gone for good", "i-3 running", "gone for good",
		},
		{
			"another account has none of them", stopRef,
			func(c *cloud) { c.Nodes, c.Whose = c.Nodes[2:], "account-2" },
			"failed: none of the nodes that were hit is there: they are account-1's, and the daemon's environment now leads to account-2; " + lookElsewhere,
			"i-3 running", "",
		},
		{
			"an account that can't be told may be another", stopRef,
			func(c *cloud) {
				c.Nodes, c.Fail = c.Nodes[2:], map[string]failure{"identity": {Kind: "unreachable", Message: "no answer"}}
			},
			"retry: none of the nodes that were hit is there, and whose account or engine this is can't be told: identity: no answer",
			"i-3 running", "",
		},
		{
			"a throttled look is tried again", stopRef,
			func(c *cloud) { c.Fail = map[string]failure{"find": {Kind: "throttled", Message: "slow down"}} },
			"retry: look at what was hit: find: slow down", "i-1 stopped, i-2 stopped, i-3 running", "",
		},
		{
			"an unreachable provider is tried again", stopRef,
			func(c *cloud) { c.Fail = map[string]failure{"start": {Kind: "unreachable", Message: "no answer"}} },
			"retry: start what was hit: start: no answer", "i-1 stopped, i-2 stopped, i-3 running", "",
		},
		{
			"one that can't be started doesn't keep the others", stopRef,
			func(c *cloud) {
				c.Fail = map[string]failure{
					"start i-1 i-2": {Kind: "not_found", Message: "no i-1"}, "start i-1": {Kind: "not_found", Message: "no i-1"},
				}
			},
			"retry: start what was hit: start i-1: no i-1", "i-1 stopped, i-2 running, i-3 running", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := put(t, cloud{Nodes: running(3)})
			o := strikeOnce(t, world, c.ref, `{"excluded": {"name": "web-3"}, "count": 2, "allow_all": true}`)
			if o.failure != "" || len(o.records) != 1 {
				t.Fatalf("failure %q, %d records", o.failure, len(o.records))
			}
			world.change(t, c.then)
			outcome, log := takeBack(t, world, c.ref, o.records[0], time.Minute)
			if got := world.states(t); outcome != c.outcome && !strings.HasPrefix(outcome, c.outcome+": ") || got != c.states || !strings.Contains(log, c.log) {
				t.Errorf("%s; %s; log %s", outcome, got, log)
			}
			if c.outcome != "undone" {
				return
			}
			if again, _ := takeBack(t, world, c.ref, o.records[0], time.Minute); !strings.HasPrefix(again, "nothing_to_do") && !strings.Contains(c.name, "gone") {
				t.Errorf("once more: %s", again)
			}
		})
	}
}

func TestAnUndoThatCanNotEndInTimeAsksToBeCalledAgain(t *testing.T) {
	world := put(t, cloud{Nodes: running(1)})
	o := strikeOnce(t, world, stopRef, `{}`)
	world.change(t, func(c *cloud) { stateOf(c, "i-1", compute.Stopping); c.Stuck = true })
	began := time.Now()
	outcome, _ := takeBack(t, world, stopRef, o.records[0], 500*time.Millisecond)
	if outcome != "retry: still on their way: web-1 (i-1)" || time.Since(began) > 20*time.Second {
		t.Errorf("%s after %s", outcome, time.Since(began))
	}
}

func TestARecordThatIsNone(t *testing.T) {
	world := put(t, cloud{Nodes: running(1)})
	o := strikeOnce(t, world, stopRef, `{}`)
	o.records[0].Record = []byte(`"x"`)
	if outcome, _ := takeBack(t, world, stopRef, o.records[0], time.Minute); !strings.HasPrefix(outcome, "failed: read the undo record: ") {
		t.Error(outcome)
	}
}

// A run whose account can't be told goes on, and its undo doesn't take another one
// for it.
func TestAnUndoWithoutAnIdentityOnRecord(t *testing.T) {
	world := put(t, cloud{Nodes: running(2), Fail: map[string]failure{"identity": {Message: "forbidden"}}})
	o := strikeOnce(t, world, stopRef, `{}`)
	if o.failure != "" || len(o.records) != 1 || !strings.Contains(o.log, "identity: forbidden") {
		t.Fatalf("failure %q, records %v, log %s", o.failure, o.records, o.log)
	}
	world.change(t, func(c *cloud) { c.Nodes = nil })
	outcome, _ := takeBack(t, world, stopRef, o.records[0], time.Minute)
	if want := "failed: none of the nodes that were hit is there, and it is not on record in whose account"; !strings.HasPrefix(outcome, want) {
		t.Error(outcome)
	}
}

// What the first try started, and what did not stay up, isn't somebody else's at
// the second.
func TestAStartThatFailsIsNotSomebodyElses(t *testing.T) {
	world := put(t, cloud{Nodes: running(1)})
	o := strikeOnce(t, world, stopRef, `{}`)
	world.change(t, func(c *cloud) { c.Nodes[0].Started = c.Nodes[0].Started.Add(time.Hour) })
	outcome, log := takeBackAt(t, world, stopRef, o.records[0], time.Minute, 2)
	if outcome != "failed: started and ended again: web-1 (i-1); see why they don't stay up, and start them by hand" {
		t.Errorf("%s; log %s", outcome, log)
	}
}

// However long ago the record was made: the order may have taken its time.
func TestAnOrderThatShowsLateIsUndone(t *testing.T) {
	world := put(t, cloud{Nodes: running(1)})
	o := strikeOnce(t, world, stopRef, `{}`)
	o.records[0].Record = []byte(`{"provider":"ec2","nodes":[{"id":"i-1","started":"2026-01-01T00:00:00Z"}],"at":"2026-01-02T00:00:00Z"}`)
	world.change(t, func(c *cloud) { c.Late = 1 })
	outcome, log := takeBack(t, world, stopRef, o.records[0], time.Minute)
	if got := world.states(t); got != "i-1 running" {
		t.Errorf("%s; %s; %s", outcome, got, log)
	}
}

// The words of an answer are true when they are said.
func TestWhatCouldNotBeStartedIsNotSaidToBeBack(t *testing.T) {
	world := put(t, cloud{Nodes: running(1)})
	o := strikeOnce(t, world, stopRef, `{}`)
	world.change(t, func(c *cloud) { c.Fail = map[string]failure{"start": {Message: "no capacity"}} })
	outcome, log := takeBack(t, world, stopRef, o.records[0], time.Minute)
	if outcome != "retry: start what was hit: start: no capacity" || strings.Contains(log, "brought back\n") || !strings.Contains(log, "these are brought back") {
		t.Errorf("%s; log %s", outcome, log)
	}
}

func TestUndosAreDescribedInWords(t *testing.T) {
	for ref, want := range map[string]string{stopRef: "starts web-1 (i-1) again", killRef: "starts web-1 (i-1) again", pauseRef: "unpauses web-1 (i-1)"} {
		o := strikeOnce(t, put(t, cloud{Nodes: running(1)}), ref, `{}`)
		if len(o.records) != 1 || o.records[0].GetDescription() != want {
			t.Errorf("%s: %v", ref, o.records)
		}
	}
}

// Names are as long, and in such scripts, as anybody likes; the record has its
// bounds.
func TestRecordsStayWithinTheirBounds(t *testing.T) {
	list := running(100)
	for i := range list {
		list[i].ID, list[i].Name = strings.Repeat("0", 61)+list[i].ID[2:], strings.Repeat("語", 256)
	}
	o := strikeOnce(t, put(t, cloud{Nodes: list}), stopRef, `{"count": 100, "allow_all": true}`)
	if o.failure != "" || len(o.records) != 1 || len(o.records[0].GetRecord()) > 48<<10 {
		t.Errorf("failure %q, %d records", o.failure, len(o.records))
	}
}
