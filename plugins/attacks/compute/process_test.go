package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// TestMain is also the plugin's main: a test starts its own binary as the host
// would. With a cloud of the tests, that takes the place of the real providers.
func TestMain(m *testing.M) {
	if os.Getenv(envCloud) != "" {
		for _, t := range []*targeting.Targeting{&onNodes, &onContainers} {
			for name := range t.Providers {
				t.Providers[name] = openCloud
			}
		}
	}
	if os.Getenv(envServe) != "" {
		settling[providerEC2] = 300 * time.Millisecond
		settling[providerDocker] = 300 * time.Millisecond
		sdk.Serve(offers()...)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		dockertest.Stop()
		os.Exit(code)
	}))
}

// envServe has the test's binary be the plugin.
const envServe = "TEST_SERVE"

// launch starts the plugin and connects to it. When the test ends, its lifeline
// is closed and it must end by itself.
func launch(t *testing.T, c *cloud) pluginv1.PluginClient {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append([]string{
		pluginv1.CookieKey + "=" + pluginv1.CookieValue, pluginv1.EnvLifeline + "=stdin", pluginv1.EnvGrace + "=5s",
		"PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_UNIX_SOCKET_DIR=" + t.TempDir(), "TMPDIR=" + t.TempDir(), envServe + "=1",
	}, c.environ()...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	lifeline, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read the handshake: %v", err)
	}
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 5 {
		t.Fatalf("the handshake is %q", line)
	}
	connection, err := grpc.NewClient("unix:"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = connection.Close()
		_ = lifeline.Close()
		end := time.AfterFunc(10*time.Second, func() {
			t.Error("the plugin outlives its lifeline")
			_ = command.Process.Kill()
		})
		_ = command.Wait()
		end.Stop()
		if t.Failed() && stderr.Len() > 0 {
			t.Log(stderr.String())
		}
	})
	return pluginv1.NewPluginClient(connection)
}

// told is what a run told the host.
type told struct {
	targets map[string][]string // the ids by state
	results []targeting.Report
	records []*pluginv1.UndoRecord
	log     string
	failure string
}

func (o told) last() targeting.Report {
	if len(o.results) == 0 {
		return targeting.Report{}
	}
	return o.results[len(o.results)-1]
}

// config is a whole config.
func config(ref, args string) []byte { return []byte(`{"ref": "` + ref + `", "args": ` + args + `}`) }

// anybody adds filters that all nodes match to args that have none.
func anybody(args string) string {
	if strings.Contains(args, `"filters"`) {
		return args
	}
	return strings.Replace(strings.Replace(args, "{", `{"filters": {}, `, 1), ", }", "}", 1)
}

// strikeOnce runs an attack. Before a record is acknowledged, nothing may have
// been ordered that it is about.
func strikeOnce(t *testing.T, c *cloud, ref, args string, with ...func(*pluginv1.Start)) told {
	t.Helper()
	stream, err := launch(t, c).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start := &pluginv1.Start{
		Ref: ref, RunId: "0190a1b2c3d47e5f8091a2b3c4d5e6f7", Config: config(ref, anybody(args)), Seed: 7,
		Due: timestamppb.Now(), Timeout: durationpb.New(time.Minute), Zone: "UTC",
	}
	for _, set := range with {
		set(start)
	}
	if err := stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: start}}); err != nil {
		t.Fatal(err)
	}
	o := told{targets: map[string][]string{}}
	for {
		message, err := stream.Recv()
		if err != nil {
			t.Fatalf("the run ended without an answer: %v", err)
		}
		switch m := message.GetMessage().(type) {
		case *pluginv1.PluginMessage_Undo:
			if c.ordered(t) != len(o.records) {
				t.Errorf("ordered before the record: %q", c.Orders)
			}
			o.records = append(o.records, m.Undo)
			ack := &pluginv1.UndoAck{Sequence: m.Undo.GetSequence()}
			if err := stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_UndoAck{UndoAck: ack}}); err != nil {
				t.Fatal(err)
			}
		case *pluginv1.PluginMessage_Finished:
			o.failure = m.Finished.GetFailure().GetMessage()
			return o
		default:
			o.hear(t, message)
		}
	}
}

func (o *told) hear(t *testing.T, message *pluginv1.PluginMessage) {
	t.Helper()
	for _, target := range message.GetTargets().GetTargets() {
		o.targets[target.GetState()] = append(o.targets[target.GetState()], target.GetId())
	}
	if entry := message.GetLog(); entry != nil {
		o.log += entry.GetMessage() + string(entry.GetFields()) + "\n"
	}
	if result := message.GetResult(); result != nil {
		var report targeting.Report
		if err := json.Unmarshal(result.GetDocument(), &report); err != nil {
			t.Fatal(err)
		}
		o.results = append(o.results, report)
	}
}

// takeBack undoes a record in a fresh process, and returns the outcome with the
// words that came with it, and the log.
func takeBack(t *testing.T, c *cloud, ref string, record *pluginv1.UndoRecord, timeout time.Duration) (outcome, log string) {
	t.Helper()
	return takeBackAt(t, c, ref, record, timeout, 1)
}

// takeBackAt is takeBack at a later attempt.
func takeBackAt(t *testing.T, c *cloud, ref string, record *pluginv1.UndoRecord, timeout time.Duration, attempt uint32) (outcome, log string) {
	t.Helper()
	stream, err := launch(t, c).Undo(t.Context(), &pluginv1.UndoRequest{
		Ref: ref, Config: config(ref, "{}"), Record: record.GetRecord(), Attempt: attempt, Seed: 7, Timeout: durationpb.New(timeout),
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return outcome, log
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry := message.GetLog(); entry != nil {
			log += entry.GetMessage() + string(entry.GetFields()) + "\n"
		}
		if answer := message.GetAnswer(); answer != nil {
			outcome = strings.ToLower(strings.TrimPrefix(answer.GetOutcome().String(), "OUTCOME_"))
			if answer.GetMessage() != "" {
				outcome += ": " + answer.GetMessage()
			}
		}
	}
}

// stateOf sets what a node does.
func stateOf(c *cloud, id string, state compute.State) {
	for i := range c.Nodes {
		if c.Nodes[i].ID == id {
			c.Nodes[i].State = state
		}
	}
}
