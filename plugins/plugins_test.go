// Package plugins_test runs the plugins that come with cmed as the daemon does:
// the real binaries, asked over the protocol.
package plugins_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// runID is the id of the executor in these tests.
const runID = "0190a1b2c3d47e5f8091a2b3c4d5e6f7"

// described is what TestDescribe expects of an offer.
type described struct {
	ref, kind, effect string
	aliases           []string
	abilities         string // dry-run, list targets, check, undo
}

func TestDescribe(t *testing.T) {
	for plugin, want := range map[string][]described{
		"api_request": {
			{"api_request:ApiRequest", "attack", "irreversible", []string{"api_request.ApiRequest"}, "dry-run targets"},
		},
		"compute": {
			{"kill_container:KillContainer", "attack", "undoable", nil, "dry-run targets check undo"},
			{"pause_container:PauseContainer", "attack", "undoable", nil, "dry-run targets check undo"},
			{"reboot_ec2_instance:RebootEC2Instance", "attack", "self_limiting", nil, "dry-run targets check"},
			{"stop_container:StopContainer", "attack", "undoable", nil, "dry-run targets check undo"},
			{"stop_ec2_instance:StopEC2Instance", "attack", "undoable", nil, "dry-run targets check undo"},
			{"terminate_ec2_instance:TerminateEC2Instance", "attack", "irreversible", nil, "dry-run targets check"},
			{
				"terminate_ec2_instance:TerminateEC2InstanceNotExcluded", "attack", "irreversible",
				[]string{"terminate_ec2_instance_not_excluded:TerminateEC2InstanceNotExcluded"},
				"dry-run targets check",
			},
		},
		"run_script":     {{"run_script:RunScript", "attack", "undoable", nil, "dry-run targets check undo"}},
		"exact_planner":  {{"exact_planner:ExactPlanner", "planner", "", nil, ""}},
		"simple_planner": {{"simple_planner:SimplePlanner", "planner", "", nil, ""}},
	} {
		t.Run(plugin, func(t *testing.T) {
			text, err := exec.CommandContext(t.Context(), filepath.Join(binaries, plugin), pluginv1.DescribeArg).Output()
			if err != nil {
				t.Fatal(err)
			}
			var description pluginv1.Description
			if err := json.Unmarshal(text, &description); err != nil {
				t.Fatal(err)
			}
			var got []described
			for _, o := range description.Offers {
				got = append(got, described{o.Ref, o.Kind, o.Effect, o.Aliases, abilities(o)})
				expectSound(t, o)
			}
			slices.SortFunc(got, func(a, b described) int { return strings.Compare(a.ref, b.ref) })
			if !reflect.DeepEqual(got, want) {
				t.Errorf("it offers %+v, want %+v", got, want)
			}
		})
	}
}

// abilities names what an offer can do besides what all can.
func abilities(o pluginv1.Offer) string {
	var names []string
	for _, ability := range []struct {
		name string
		has  bool
	}{{"dry-run", o.CanDryRun}, {"targets", o.CanListTargets}, {"check", o.CanCheck}, {"undo", o.CanUndo}} {
		if ability.has {
			names = append(names, ability.name)
		}
	}
	return strings.Join(names, " ")
}

// expectSound fails unless the offer's schema is strict and described, and its
// examples are valid.
func expectSound(t *testing.T, o pluginv1.Offer) {
	t.Helper()
	s, err := schema.Compile(o.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Examples) == 0 || o.Title == "" || o.Description == "" {
		t.Errorf("%d examples, title %q, description %q", len(o.Examples), o.Title, o.Description)
	}
	for _, example := range o.Examples {
		if violations := s.Validate(example); violations != nil {
			t.Errorf("%s: %v", example, violations)
		}
	}
	var tree struct {
		Properties struct {
			Args struct {
				AdditionalProperties any
				Properties           map[string]struct{ Description string }
			}
		}
	}
	if err := json.Unmarshal(o.Schema, &tree); err != nil {
		t.Fatal(err)
	}
	args := tree.Properties.Args
	if args.AdditionalProperties != false || len(args.Properties) == 0 {
		t.Errorf("%s: unknown args are taken: %s", o.Ref, o.Schema)
	}
	for name, property := range args.Properties {
		if property.Description == "" {
			t.Errorf("%s: %s is not described", o.Ref, name)
		}
	}
}

// planAt asks a planner at 12:00 in Madrid on a summer's day.
func planAt(t *testing.T, plugin, ref, args string) *pluginv1.PlanResponse {
	t.Helper()
	answer, err := start(t, plugin).Plan(t.Context(), &pluginv1.PlanRequest{
		Ref: ref, PlanName: "Lunch",
		Config: []byte(`{"ref": "` + ref + `", "args": ` + args + `}`),
		Attack: []byte(`{"ref": "hello:Hello"}`),
		Now:    timestamppb.New(time.Date(2026, time.June, 21, 10, 0, 0, 0, time.UTC)),
		Zone:   "Europe/Madrid", Seed: 7,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestExactPlanner(t *testing.T) {
	for _, c := range []struct {
		date, want string
		zoneUsed   bool
	}{
		{"2026-06-21T15:30", "2026-06-21T13:30:00Z", true},
		{"2016-06-21T15:30:12+02:00", "2016-06-21T13:30:12Z", false},
	} {
		answer := planAt(t, "exact_planner", "exact_planner:ExactPlanner", `{"date": "`+c.date+`"}`)
		if len(answer.GetExecutions()) != 1 || answer.GetFailure() != nil {
			t.Fatalf("%s: %v", c.date, answer)
		}
		e := answer.GetExecutions()[0]
		if at := e.GetAt().AsTime().Format(time.RFC3339); at != c.want || e.GetName() != "Lunch" || answer.GetZoneUsed() != c.zoneUsed {
			t.Errorf("%s: %q at %s, zone used %t", c.date, e.GetName(), at, answer.GetZoneUsed())
		}
	}
	failure := planAt(t, "exact_planner", "exact_planner:ExactPlanner", `{"date": "noon"}`).GetFailure()
	if failure.GetPointer() != "/args/date" || !strings.HasPrefix(failure.GetMessage(), `Invalid date format: "noon"`) {
		t.Errorf("refused with %v", failure)
	}
}

func TestSimplePlanner(t *testing.T) {
	answer := planAt(t, "simple_planner", "simple_planner:SimplePlanner", `{"min_time": "10:00", "max_time": "18:00", "times": 4.0}`)
	var names []string
	for _, e := range answer.GetExecutions() {
		names = append(names, e.GetName())
	}
	if want := []string{"Lunch-1", "Lunch-2", "Lunch-3", "Lunch-4"}; !slices.Equal(names, want) || !answer.GetZoneUsed() {
		t.Errorf("planned %v, zone used %t; want %v", names, answer.GetZoneUsed(), want)
	}
	if w := answer.GetWarnings(); len(w) != 1 || !strings.HasPrefix(w[0], "1 of 4 runs lie in the past") {
		t.Errorf("warnings %q", w)
	}
	failure := planAt(t, "simple_planner", "simple_planner:SimplePlanner", `{"min_time": "25:00", "max_time": "18:00", "times": 4}`).GetFailure()
	if failure.GetPointer() != "/args/min_time" || !strings.HasPrefix(failure.GetMessage(), "there is no 25:00 on a clock") {
		t.Errorf("refused with %v", failure)
	}
}

// outcome is what a run told the host.
type outcome struct {
	target, log string
	document    string // the result's
	result      struct {
		Status int
		Body   string
	}
	failure *pluginv1.Failure
}

// apiRequestConfig is a config of the attack with the args given.
func apiRequestConfig(args string) []byte {
	return []byte(`{"ref": "api_request:ApiRequest", "args": ` + args + `}`)
}

// apiRequest runs the attack with the args given. When stop yields, the run is
// told to stop.
func apiRequest(t *testing.T, args string, stop <-chan struct{}) outcome {
	t.Helper()
	stream := startAPIRequest(t, args, false)
	if stop != nil {
		<-stop
		err := stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stop{Stop: &pluginv1.Stop{
			Cause: pluginv1.StopCause_STOP_CAUSE_HALTED, Reason: "enough",
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return outcomeOf(t, stream)
}

type runStream = grpc.BidiStreamingClient[pluginv1.HostMessage, pluginv1.PluginMessage]

func startAPIRequest(t *testing.T, args string, dryRun bool) runStream {
	t.Helper()
	stream, err := start(t, "api_request").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{
		Ref: "api_request:ApiRequest", RunId: runID, PlanName: "Lunch", Config: apiRequestConfig(args), DryRun: dryRun,
		Due: timestamppb.Now(), Timeout: durationpb.New(time.Minute), Grace: durationpb.New(5 * time.Second), Zone: "UTC",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// outcomeOf reads a run to its end.
func outcomeOf(t *testing.T, stream runStream) outcome {
	t.Helper()
	var got outcome
	for {
		message, err := stream.Recv()
		if err != nil {
			t.Fatalf("the run ended without an answer: %v", err)
		}
		switch m := message.GetMessage().(type) {
		case *pluginv1.PluginMessage_Targets:
			got.target = m.Targets.GetTargets()[0].GetId()
		case *pluginv1.PluginMessage_Log:
			got.log += m.Log.GetMessage() + string(m.Log.GetFields()) + "\n"
		case *pluginv1.PluginMessage_Result:
			got.document = string(m.Result.GetDocument())
			if err := json.Unmarshal(m.Result.GetDocument(), &got.result); err != nil {
				t.Fatal(err)
			}
		case *pluginv1.PluginMessage_Finished:
			got.failure = m.Finished.GetFailure()
			return got
		}
	}
}

func TestAPIRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(r.Header.Get("Idempotency-Key")))
	}))
	t.Cleanup(server.Close)
	endpoint := `"endpoint": "` + server.URL + `", "method": "GET"`

	got := apiRequest(t, `{`+endpoint+`}`, nil)
	if got.failure != nil || got.result.Status != http.StatusTeapot || got.result.Body != runID || got.target != server.Listener.Addr().String() {
		t.Errorf("any status is a success, and the run's id is the key: %+v", got)
	}
	got = apiRequest(t, `{`+endpoint+`, "expect_status": 200}`, nil)
	if got.failure.GetMessage() != "answered with status 418, but 200 is expected" || got.result.Status != http.StatusTeapot {
		t.Errorf("another status fails the run, with its answer on record: %+v", got)
	}
}

func TestAPIRequestIsStopped(t *testing.T) {
	called := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(called)
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	got := apiRequest(t, `{"endpoint": "`+server.URL+`", "method": "GET"}`, called)
	if !strings.Contains(got.failure.GetMessage(), "stopped: halted: enough") {
		t.Errorf("the run ended with %v", got.failure)
	}
}
