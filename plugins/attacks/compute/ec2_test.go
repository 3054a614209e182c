package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
)

const region = "eu-west-1"

// account returns an AWS with three instances, of which two are marked, and the
// environment that leads to it.
func account(t *testing.T) (*awstest.Server, *cloud) {
	t.Helper()
	server := awstest.New()
	t.Cleanup(server.Close)
	for id, chaos := range map[string]string{"i-00000001": "true", "i-00000002": "true", "i-00000003": "false"} {
		server.Add(awstest.Instance{ID: id, Region: region, Tags: map[string]string{"Chaos": chaos, "Name": "web"}})
	}
	return server, &cloud{real: server.Env(region)}
}

// instances returns what they do: "i-00000001 running, i-00000002 stopped".
func instances(server *awstest.Server) string {
	var list []string
	for _, i := range server.Instances(region) {
		list = append(list, i.ID+" "+i.State)
	}
	return strings.Join(list, ", ")
}

func TestEC2Terminate(t *testing.T) {
	server, aws := account(t)
	o := strikeOnce(t, aws, terminateRef, `{"filters": {"tag:Chaos": "true"}, "excluded": {"instance-id": "i-00000001"}}`)
	if got := instances(server); o.failure != "" || got != "i-00000001 running, i-00000002 terminated, i-00000003 running" {
		t.Errorf("%s, failure %q", got, o.failure)
	}
	if r := o.last(); r.Found != 1 || r.Excluded != 1 || !slices.Equal(r.Chosen, []string{"i-00000002"}) || len(r.Changes) != 1 {
		t.Errorf("result %+v", r)
	}
}

func TestEC2StopAndUndo(t *testing.T) {
	server, aws := account(t)
	server.Settle(500 * time.Millisecond)
	o := strikeOnce(t, aws, stopRef, `{"filters": {"tag:Chaos": "true"}, "count": 2, "allow_all": true}`)
	if got := instances(server); o.failure != "" || got != "i-00000001 stopped, i-00000002 stopped, i-00000003 running" {
		t.Fatalf("%s, failure %q", got, o.failure)
	}
	server.SetState("i-00000001", "terminated")
	outcome, log := takeBack(t, aws, stopRef, o.records[0], time.Minute)
	if got := instances(server); !strings.HasPrefix(outcome, "undone: ") || got != "i-00000001 terminated, i-00000002 running, i-00000003 running" || !strings.Contains(log, "gone") {
		t.Errorf("%s; %s; log %s", outcome, got, log)
	}
}

// What was stopped is found also where the environment's region has changed since.
func TestAnUndoKeepsToTheRegionOfItsRun(t *testing.T) {
	server, aws := account(t)
	o := strikeOnce(t, aws, stopRef, `{"filters": {"tag:Chaos": "true"}}`)
	if o.failure != "" || o.last().Region != region {
		t.Fatalf("failure %q, result %+v", o.failure, o.last())
	}
	aws.real = server.Env("us-east-1")
	outcome, log := takeBack(t, aws, stopRef, o.records[0], time.Minute)
	if got := instances(server); !strings.HasPrefix(outcome, "undone: ") || strings.Contains(got, "stopped") {
		t.Errorf("%s; %s; log %s", outcome, got, log)
	}
}

// Instances that EC2 has forgotten are gone if the account is the same, and STS
// says so; another one answers nothing of the kind.
func TestEC2KnowsWhoseTheInstancesWere(t *testing.T) {
	_, aws := account(t)
	o := strikeOnce(t, aws, stopRef, `{"filters": {"tag:Chaos": "true"}}`)
	if o.failure != "" || !strings.Contains(string(o.records[0].GetRecord()), `"whose":"123456789012"`) {
		t.Fatalf("failure %q, records %v", o.failure, o.records)
	}
	empty := awstest.New()
	t.Cleanup(empty.Close)
	aws.real = empty.Env(region)
	if outcome, _ := takeBack(t, aws, stopRef, o.records[0], time.Minute); !strings.HasPrefix(outcome, "not_mine: ") {
		t.Error(outcome)
	}
	o.records[0].Record = []byte(strings.Replace(string(o.records[0].GetRecord()), "123456789012", "999999999999", 1))
	outcome, _ := takeBack(t, aws, stopRef, o.records[0], time.Minute)
	if !strings.HasPrefix(outcome, "failed: none of the nodes that were hit is there: they are 999999999999's, and the daemon's environment now leads to 123456789012; ") {
		t.Error(outcome)
	}
}

// EC2 saves the zone of a protected instance, and only that: who died in the others
// is on record though the order failed.
func TestWhoDiedInAnotherZoneIsOnRecord(t *testing.T) {
	server := awstest.New()
	t.Cleanup(server.Close)
	server.Add(awstest.Instance{ID: "i-00000001", Region: region, Zone: "eu-west-1a", Protected: true})
	server.Add(awstest.Instance{ID: "i-00000002", Region: region, Zone: "eu-west-1b"})
	o := strikeOnce(t, &cloud{real: server.Env(region)}, terminateRef, `{"count": 2, "allow_all": true}`)
	if o.failure == "" || !slices.Equal(o.targets["hit"], []string{"i-00000002"}) || len(o.last().Changes) != 1 {
		t.Errorf("%s; failure %q; targets %v; changes %v", instances(server), o.failure, o.targets, o.last().Changes)
	}
}

func TestEC2DryRunAsksForThePermission(t *testing.T) {
	server, aws := account(t)
	if o := strikeOnce(t, aws, rebootRef, `{"dry_run": true}`); o.failure != "" {
		t.Error(o.failure)
	}
	server.Deny("TerminateInstances")
	o := strikeOnce(t, aws, terminateRef, `{"dry_run": true}`)
	if !strings.HasPrefix(o.failure, "the order to terminate would fail: TerminateInstances: UnauthorizedOperation: ") {
		t.Error(o.failure)
	}
	for _, i := range server.Instances(region) {
		if i.State != "running" || i.Reboots != 0 {
			t.Errorf("%+v", i)
		}
	}
}

func TestContainersAreDockers(t *testing.T) {
	_, aws := account(t)
	aws.real = append(aws.real, "DOCKER_HOST=unix:///nowhere")
	if o := strikeOnce(t, aws, killRef, `{}`); !strings.Contains(o.failure, "/nowhere") {
		t.Errorf("the provider isn't docker: %s", o.failure)
	}
}

func TestTheEndpointIsNotThePlans(t *testing.T) {
	_, aws := account(t)
	o := strikeOnce(t, aws, terminateRef, `{"region": "x.example.com/"}`)
	if o.failure != `"x.example.com/" is not a region such as eu-west-1` {
		t.Error(o.failure)
	}
}
