package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// What only says what it would do does not look like what does it.
func TestDryRunsAreToldApart(t *testing.T) {
	const executor = `{"id":"e","plan_id":"p","state":"succeeded","attack_ref":"a:B","dry_run":true,"next_run_time":"2026-11-21T17:00:00Z"}`
	const plan = `{"id":"p","name":"try","dry_run":true,"executors_count":1,"executors_total":1,"_embedded":{"executors":[` + executor + `]}}`
	s := newStandIn(t, map[string][]string{
		"POST /api/1/plans/": {plan}, "GET /api/1/plans/p": {plan}, "GET /api/1/plans/": {`{"plans":[` + plan + `]}`},
		"GET /api/1/executors/": {`{"executors":[` + executor + `]}`}, "GET /api/1/executors/e": {executor},
		"GET /api/1/events/": {
			"event: executor.succeeded\ndata: {\"executor\":" + executor + "}\n\nevent: plan.created\ndata: {\"plan\":" + plan + "}\n\n",
		},
	})
	file := write(t, "{}")
	for args, want := range map[string][]string{
		"plan create -f " + file: {`plan p "try": 1 executor to run, a dry run`, "succeeded (dry run)"},
		"plan show p":            {"dry run", "yes: the attack only says what it would do", "succeeded (dry run)"},
		"plan list":              {"try (dry run)"},
		"executor list --all":    {"succeeded (dry run)"},
		"executor show e":        {"yes: the attack only says"},
		"events":                 {"e a:B, a dry run\n", "p try (dry run)\n"},
	} {
		c, code := s.call(t, strings.Fields(args)...)
		for _, words := range want {
			if code != 0 || !strings.Contains(c.stdout.String(), words) {
				t.Errorf("%s: exit code %d and no %q in\n%s%s", args, code, words, c.stdout.String(), c.stderr.String())
			}
		}
	}
}

func TestTheEndOfADryRunIsTold(t *testing.T) {
	dry := strings.Replace(state("a", "succeeded", "none"), "{", `{"dry_run":true,`, 1)
	got := newWaitedFor(t, dry).wait(t)
	if want := "executor a: succeeded (dry run) after 2.0 s\n"; got.code != 0 || !strings.Contains(got.stdout, want) {
		t.Errorf("exit code %d and no %q in\n%s", got.code, want, got.stdout)
	}
}

func TestAnExecutorsIDIsNoPlans(t *testing.T) {
	s := newStandIn(t, map[string][]string{
		"GET /api/1/plans/e": {`404 {"detail":"plan not found e"}`}, "GET /api/1/executors/e": {`{"id":"e","plan_id":"p"}`},
		"GET /api/1/plans/x": {`404 {"detail":"plan not found x"}`}, "GET /api/1/executors/x": {`404 {"detail":"executor not found x"}`},
	})
	for id, want := range map[string]string{
		"e": "cmed: plan not found e: that is the id of an executor (cmed executor show e) of the plan p\n",
		"x": "cmed: plan not found x\n",
	} {
		if c, code := s.call(t, "plan", "show", id); code != exitFailure || c.stderr.String() != want {
			t.Errorf("exit code %d: %s", code, c.stderr.String())
		}
	}
}

// On a narrow screen the reason is what is left of a failure.
func TestTheReasonOfAFailureHasTheRoom(t *testing.T) {
	now := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)
	o := overview{at: now, failures: []client.Executor{{
		ID: strings.Repeat("1", 32), State: "timed_out", Reason: "not over in 15m", Finished: now.Add(-3 * time.Minute),
		AttackRef: "terminate_ec2_instance:TerminateEC2Instance",
	}}}
	for width, attack := range map[int]bool{80: false, 0: true} {
		var text strings.Builder
		if err := o.write(&text, screen.Screen{Width: width}, "here"); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), "not over in 15m") || strings.Contains(text.String(), "terminate_ec2_instance:") != attack {
			t.Errorf("at %d columns:\n%s", width, text.String())
		}
	}
}

// The id by which an entry names its target stays whole.
func TestTheTargetOfAnEntryStaysWhole(t *testing.T) {
	now := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)
	target := strings.Repeat("1", 32)
	var text strings.Builder
	table := auditTable([]client.AuditEntry{{Entry: audit.Entry{
		Seq: 107, At: now.Add(-12 * time.Minute), Outcome: "ok", Action: "create_plan", Who: "anybody on this machine", From: "127.0.0.1",
		Target: target, Detail: "the site is down",
	}}}, now)
	if err := table.Write(&text, screen.Screen{Width: 80}); err != nil || !strings.Contains(text.String(), target) {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

func TestTheDefaultOfGrantsIsNotInTheHelp(t *testing.T) {
	got := callWith(t, nil, "", "--help")
	if got.code != 0 || strings.Contains(got.stdout, "TerminateEC2Instance") || !strings.Contains(got.stdout, "see docs/configuration.md") {
		t.Errorf("exit code %d:\n%s", got.code, got.stdout)
	}
}
