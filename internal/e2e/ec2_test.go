package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/awstest"
)

const region = "eu-west-1"

// cloud is an account of a small AWS on loopback.
func cloud(t testing.TB) *awstest.Server {
	t.Helper()
	server := awstest.New()
	t.Cleanup(server.Close)
	return server
}

// withCloud starts a daemon whose environment leads to the cloud.
func withCloud(server *awstest.Server) option { return withEnv(server.Env(region)...) }

// fleet adds running instances with these tags to the region.
func fleet(server *awstest.Server, n int, tags map[string]string) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = server.Add(awstest.Instance{Region: region, Tags: tags}).ID
	}
	return ids
}

// inState lists the instances that the cloud itself has in a state.
func inState(server *awstest.Server, state string) []string {
	var ids []string
	for _, i := range server.Instances(region) {
		if i.State == state {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// quickstart is the plan of the engine's documentation, as printed.
const quickstart = `{
  "name": "Terminate random running instance",
  "attack": {
    "ref": "terminate_ec2_instance:TerminateEC2Instance",
    "args": {
      "filters": {
        "instance-state-name": "running"
      }
    }
  },
  "planner": {
    "args": {
      "min_time": "10:00",
      "max_time": "18:00",
      "times": 3
    },
    "ref": "simple_planner:SimplePlanner"
  }
}`

// earlyZone is a zone in which it is five in the morning now.
func earlyZone() string {
	offset := 5 - time.Now().UTC().Hour()
	if offset < -12 {
		offset += 24
	}
	return fmt.Sprintf("Etc/GMT%+d", -offset) // their signs are the other way round
}

// The quickstart's plan does what the documentation promises of it: three
// attacks between 10:00 and 18:00, each of which terminates a running instance.
func TestTheQuickstartTerminatesAnInstanceEachTime(t *testing.T) {
	t.Parallel()
	server := cloud(t)
	running := fleet(server, 3, nil)
	stopped := server.Add(awstest.Instance{Region: region, State: "stopped"}).ID
	d := start(t, withCloud(server))

	d.post(t, "/api/1/plans/", quickstart, http.StatusOK) // as printed

	var body map[string]any
	if err := json.Unmarshal([]byte(quickstart), &body); err != nil {
		t.Fatal(err)
	}
	early := earlyZone()
	_, ids := d.postPlan(t, with(body, map[string]any{"timezone": early}))
	if len(ids) != 3 {
		t.Fatalf("%d executors", len(ids))
	}
	slice := 8 * time.Hour / 3
	for i, id := range ids {
		e := d.executor(t, id)
		due, err := time.Parse(time.RFC3339, e.Due)
		if err != nil {
			t.Fatal(err)
		}
		due = due.In(zone(t, early))
		ten := time.Date(due.Year(), due.Month(), due.Day(), 10, 0, 0, 0, due.Location())
		if since := due.Sub(ten); since < time.Duration(i)*slice || since >= time.Duration(i+1)*slice || e.State != "scheduled" {
			t.Errorf("executor %d is %s and due at %s", i, e.State, due)
		}
	}
	hit := map[string]bool{}
	for _, id := range ids {
		d.move(t, id, time.Now())
		e := d.await(t, id, "succeeded")
		var result struct{ Chosen []string }
		if err := json.Unmarshal(e.Run.Result, &result); err != nil || len(result.Chosen) != 1 {
			t.Fatalf("the result %s: %v", e.Run.Result, err)
		}
		hit[result.Chosen[0]] = true
	}
	dead := inState(server, "terminated")
	slices.Sort(running)
	slices.Sort(dead)
	if !slices.Equal(dead, running) || len(hit) != 3 {
		t.Errorf("dead are %v, the runs say %v; running were %v", dead, hit, running)
	}
	if left := inState(server, "stopped"); !slices.Equal(left, []string{stopped}) {
		t.Errorf("stopped are %v, want %s alone", left, stopped)
	}
}

// An excluded instance is never hit, whichever of the filters it matches.
func TestExcludedInstancesSurvive(t *testing.T) {
	t.Parallel()
	server := cloud(t)
	mongo := fleet(server, 2, map[string]string{"Team": "ateam", "Domain": "mongo"})
	other := server.Add(awstest.Instance{Region: region, Zone: region + "c", Tags: map[string]string{"Team": "ateam"}}).ID
	fair := fleet(server, 2, map[string]string{"Team": "ateam", "Domain": "web"})
	d := start(t, withCloud(server))
	id := d.attack(t, "terminate_ec2_instance_not_excluded:TerminateEC2InstanceNotExcluded", args{
		"region": region, "filters": args{"tag:Team": "ateam"}, "count": 10, "allow_all": true,
		"excluded": args{"tag:Domain": "mongo", "availability-zone": []string{region + "c"}},
	}, time.Now())
	d.await(t, id, "succeeded")
	dead := inState(server, "terminated")
	slices.Sort(fair)
	slices.Sort(dead)
	if !slices.Equal(dead, fair) {
		t.Errorf("dead are %v, want %v; %v and %s are excluded", dead, fair, mongo, other)
	}
}

// stopping are the args of an attack that stops all of a fleet.
var stopping = args{"filters": args{"tag:Chaos": "true"}, "percent": 100, "allow_all": true}

// What was stopped is started again, and nothing else, whoever died meanwhile.
func TestStoppedInstancesAreStartedAgain(t *testing.T) {
	t.Parallel()
	server := cloud(t)
	ours := fleet(server, 3, map[string]string{"Chaos": "true"})
	before := server.Add(awstest.Instance{Region: region, State: "stopped", Tags: map[string]string{"Chaos": "true"}}).ID
	d := start(t, withCloud(server))
	for name, takeBack := range map[string]func(id string){
		"halted": func(id string) { d.halt(t, id) },
		"halted after the daemon's death": func(id string) {
			d.kill(t)
			d.sweep()
			d.restart(t)
			d.halt(t, id)
		},
	} {
		id := d.attack(t, "stop_ec2_instance:StopEC2Instance", stopping, time.Now())
		d.await(t, id, "succeeded")
		if got := inState(server, "stopped"); len(got) != len(ours)+1 {
			t.Errorf("%s: stopped are %v", name, got)
		}
		takeBack(id)
		d.awaitUndo(t, id, "undone")
		waitFor(t, patience, "the instances to run", func() bool { return len(inState(server, "running")) == len(ours) })
		if got := inState(server, "stopped"); !slices.Equal(got, []string{before}) {
			t.Errorf("%s: stopped are %v, want %s alone", name, got, before)
		}
	}
}

// A daemon that dies between the record and the answer of the cloud leaves
// nothing stopped.
func TestAStopWhoseAnswerIsLostIsUndone(t *testing.T) {
	t.Parallel()
	server := cloud(t)
	fleet(server, 2, map[string]string{"Chaos": "true"})
	server.Inject(awstest.Fault{Action: "StopInstances", Times: -1, Hang: true})
	d := start(t, withCloud(server))
	id := d.attack(t, "stop_ec2_instance:StopEC2Instance", stopping, time.Now())
	waitFor(t, patience, "the order to be sent", func() bool { return calls(server, "StopInstances") > 0 })
	d.kill(t)
	d.sweep()
	for _, i := range server.Instances(region) {
		server.SetState(i.ID, "stopped") // the order arrived
	}
	d.restart(t)
	d.await(t, id, "lost")
	d.awaitUndo(t, id, "undone")
	if got := inState(server, "running"); len(got) != 2 {
		t.Errorf("running are %v", got)
	}
}

// calls counts the calls of an action.
func calls(server *awstest.Server, action string) int {
	n := 0
	for _, c := range server.Calls() {
		if c.Action == action {
			n++
		}
	}
	return n
}

// A preview lists whom a run with the same seed hits then, and neither it nor a
// dry run hurts anybody; but both find out what the credentials allow.
func TestWhoIsHitIsKnownBefore(t *testing.T) {
	t.Parallel()
	server := cloud(t)
	fleet(server, 20, map[string]string{"Chaos": "true"})
	d := start(t, withCloud(server))
	body := with(planBody("terminate_ec2_instance:TerminateEC2Instance",
		args{"filters": args{"tag:Chaos": "true"}, "count": 3}, time.Now().Add(time.Hour)), map[string]any{"seed": 7})

	preview := d.post(t, "/api/1/plans/?dry_run=true", body, http.StatusOK)
	var told []string
	for _, target := range preview.list("targets") {
		told = append(told, target.text("id"))
	}
	if len(told) != 3 {
		t.Fatalf("the preview tells %v: %v", told, preview)
	}
	_, ids := d.postPlan(t, with(body, map[string]any{"dry_run": true}))
	d.move(t, ids[0], time.Now())
	d.await(t, ids[0], "succeeded")
	if dead := inState(server, "terminated"); len(dead) != 0 {
		t.Fatalf("a dry run terminated %v", dead)
	}
	_, ids = d.postPlan(t, body)
	d.move(t, ids[0], time.Now())
	d.await(t, ids[0], "succeeded")
	dead := inState(server, "terminated")
	slices.Sort(dead)
	slices.Sort(told)
	if !slices.Equal(dead, told) {
		t.Errorf("terminated are %v, the preview told %v", dead, told)
	}

	server.Deny("TerminateInstances")
	_, ids = d.postPlan(t, with(body, map[string]any{"dry_run": true}))
	d.move(t, ids[0], time.Now())
	if e := d.await(t, ids[0], "failed"); !strings.Contains(e.Reason, "UnauthorizedOperation") {
		t.Errorf("a dry run without the permission: %q", e.Reason)
	}
}

// Each way in which a cloud can fail ends in a failed run that says what to do,
// and nobody is hurt.
func TestCloudsThatFail(t *testing.T) {
	t.Parallel()
	good := func(s *awstest.Server) []string { return s.Env(region) }
	without := func(s *awstest.Server, names ...string) []string {
		return slices.DeleteFunc(s.Env(region), func(entry string) bool {
			name, _, _ := strings.Cut(entry, "=")
			return slices.Contains(names, name)
		})
	}
	for name, test := range map[string]struct {
		env   func(*awstest.Server) []string
		args  []string // of the daemon
		fault *awstest.Fault
		words []string
	}{
		"wrong secret": {
			env: func(s *awstest.Server) []string {
				return append(without(s, "AWS_SECRET_ACCESS_KEY"), "AWS_SECRET_ACCESS_KEY=wrong")
			},
			words: []string{"SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"},
		},
		"no region": {
			env: func(s *awstest.Server) []string {
				return append(without(s, "AWS_REGION", "AWS_DEFAULT_REGION"), "AWS_EC2_METADATA_DISABLED=true")
			},
			words: []string{"region", "AWS_DEFAULT_REGION"},
		},
		"nothing granted": {
			env: good, args: []string{"--plugin-env=none"},
			words: []string{"region", "--plugin-env"},
		},
		"throttled": {
			env: good, fault: &awstest.Fault{Action: "*", Times: -1, Throttle: true},
			words: []string{"RequestLimitExceeded"},
		},
		"hangs": {
			env:   func(s *awstest.Server) []string { return append(s.Env(region), "AWS_MAX_ATTEMPTS=1") },
			fault: &awstest.Fault{Action: "*", Times: -1, Hang: true},
			words: []string{"no answer", "127.0.0.1"},
		},
		"garbage": {
			env: good, fault: &awstest.Fault{Action: "*", Times: -1, Body: "<html>a proxy's page</html>"},
			words: []string{"127.0.0.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := cloud(t)
			fleet(server, 2, nil)
			if test.fault != nil {
				server.Inject(*test.fault)
			}
			d := start(t, withEnv(test.env(server)...), withArgs(test.args...))
			id := d.attack(t, "terminate_ec2_instance:TerminateEC2Instance", args{"filters": args{}}, time.Now())
			e := d.await(t, id, "failed")
			for _, word := range test.words {
				if !strings.Contains(e.Reason, word) {
					t.Errorf("the reason %q does not have %q", e.Reason, word)
				}
			}
			if dead := inState(server, "terminated"); len(dead) != 0 {
				t.Errorf("terminated are %v", dead)
			}
		})
	}
}

// An empty selection fails with what was looked for, or succeeds if it may be.
func TestNobodyToHit(t *testing.T) {
	t.Parallel()
	server := cloud(t)
	fleet(server, 1, nil)
	d := start(t, withCloud(server))
	nobody := args{"filters": args{"tag:Chaos": "true"}}
	id := d.attack(t, "terminate_ec2_instance:TerminateEC2Instance", nobody, time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "tag:Chaos") || !strings.Contains(e.Reason, "allow_empty") {
		t.Errorf("nobody: %q", e.Reason)
	}
	nobody["allow_empty"] = true
	id = d.attack(t, "terminate_ec2_instance:TerminateEC2Instance", nobody, time.Now())
	d.await(t, id, "succeeded")
	id = d.attack(t, "terminate_ec2_instance:TerminateEC2Instance", args{"filters": args{}, "count": 1}, time.Now())
	if e := d.await(t, id, "failed"); !strings.Contains(e.Reason, "allow_all") {
		t.Errorf("all: %q", e.Reason)
	}
}

// The cloud's credentials reach the processes of the attacks that ask for them
// and are granted them, and nothing else.
func TestCloudCredentialsStayInside(t *testing.T) {
	t.Parallel()
	server := cloud(t)
	fleet(server, 3, nil)
	d := start(t, withCloud(server), withArgs("--log-level", "trace"))
	other := d.attack(t, "e2e:Sleep", args{"for": "1m"}, time.Now())
	e := d.await(t, other, "running")
	plan, ids := d.postPlan(t, planBody("terminate_ec2_instance:TerminateEC2Instance", args{"filters": args{}}, time.Now()))
	d.await(t, ids[0], "succeeded")
	key := server.Credentials().Secret
	for what, text := range map[string]string{
		"an answer":                    d.everything(t, plan, ids[0]),
		"the daemon's log":             d.stderr.String(),
		"the state folder":             namesAndContents(t, d.state),
		"another attack's environment": procText(t, e.Run.PID, "environ"),
		"another attack's folder":      namesAndContents(t, d.temporary()),
	} {
		if strings.Contains(text, key) {
			t.Errorf("%s has the secret key: %s", what, around(text, key))
		}
	}
	d.halt(t, other)
}
