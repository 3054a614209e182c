package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/internal/dockertest"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

const stopContainerRef = "stop_container:StopContainer"

// The lever is pulled while docker stop waits for the container to end: the undo
// comes at once, the container ends a little later, and must be started again.
func TestAContainerThatStopsDuringTheHaltIsStartedAgain(t *testing.T) {
	e := dockertest.Start(t)
	mark := dockertest.Unique()
	id := e.RunContainer(t, dockertest.Container{
		Labels:  map[string]string{"halt": mark},
		Command: []string{"sh", "-c", `trap "touch /told; sleep 2; exit 0" TERM; while :; do sleep 3600 & wait $!; done`},
	})
	c := &cloud{real: []string{"DOCKER_HOST=" + e.Host}}
	record := haltWhen(t, c, `{"filters": {"label:halt": "`+mark+`"}}`, func() bool { return signalled(t, e, id) })
	outcome, log := takeBack(t, c, stopContainerRef, record, time.Minute)
	if state := e.State(t, id); !strings.HasPrefix(outcome, "undone: ") || state != "running" {
		t.Errorf("%s; the container is %s; log %s", outcome, state, log)
	}
}

// signalled reports whether the container has got its stop signal.
func signalled(t *testing.T, e *dockertest.Engine, id string) bool {
	t.Helper()
	var changes []struct{ Path string }
	e.Read(t, "/containers/"+id+"/changes", &changes)
	return slices.ContainsFunc(changes, func(c struct{ Path string }) bool { return c.Path == "/told" })
}

// haltWhen stops a run as soon as that is so after its record was made, and
// returns the record.
func haltWhen(t *testing.T, c *cloud, args string, isSo func() bool) *pluginv1.UndoRecord {
	t.Helper()
	stream, err := launch(t, c).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	send := func(m *pluginv1.HostMessage) {
		t.Helper()
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{
		Ref: stopContainerRef, RunId: "r", Config: config(stopContainerRef, args), Seed: 7,
		Due: timestamppb.Now(), Timeout: durationpb.New(time.Minute), Zone: "UTC",
	}}})
	var record *pluginv1.UndoRecord
	for {
		message, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if message.GetFinished() != nil {
			return record
		}
		if message.GetUndo() == nil {
			continue
		}
		record = message.GetUndo()
		send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_UndoAck{UndoAck: &pluginv1.UndoAck{Sequence: record.GetSequence()}}})
		poll := time.NewTicker(20 * time.Millisecond)
		defer poll.Stop()
		for end := time.After(20 * time.Second); !isSo(); {
			select {
			case <-poll.C:
			case <-end:
				t.Fatal("the order doesn't reach the container")
			}
		}
		send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stop{Stop: &pluginv1.Stop{
			Cause: pluginv1.StopCause_STOP_CAUSE_HALTED, Reason: "enough",
		}}})
	}
}
