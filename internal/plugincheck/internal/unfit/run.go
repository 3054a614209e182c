package main

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// run is the stream of a run, with what the host says sorted.
type run struct {
	stream pluginv1.Plugin_RunServer
	start  *pluginv1.Start
	// starts has the Start, acks the answers to records, stopped is closed by a
	// Stop. The first two are closed when nothing more comes.
	starts  chan *pluginv1.Start
	acks    chan *pluginv1.UndoAck
	stopped chan struct{}
}

func newRun(stream pluginv1.Plugin_RunServer) *run {
	r := &run{
		stream: stream, starts: make(chan *pluginv1.Start, 1), acks: make(chan *pluginv1.UndoAck, 16),
		stopped: make(chan struct{}),
	}
	go r.listen()
	return r
}

func (r *run) listen() {
	defer close(r.starts)
	defer close(r.acks)
	for {
		m, err := r.stream.Recv()
		if err != nil {
			return
		}
		switch m := m.GetMessage().(type) {
		case *pluginv1.HostMessage_Start:
			r.starts <- m.Start
		case *pluginv1.HostMessage_UndoAck:
			r.acks <- m.UndoAck
		case *pluginv1.HostMessage_Stop:
			close(r.stopped)
		}
	}
}

// pause waits, and says whether the run was not stopped meanwhile.
func (r *run) pause(d time.Duration) bool {
	select {
	case <-r.stopped:
		return false
	case <-time.After(d):
		return true
	}
}

func (r *run) send(m *pluginv1.PluginMessage) { _ = r.stream.Send(m) }

func (r *run) started() {
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Started{Started: &pluginv1.Started{At: timestamppb.Now()}}})
}

func (r *run) log(message string) {
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Log{Log: &pluginv1.LogEntry{
		At: timestamppb.Now(), Level: pluginv1.LogLevel_LOG_LEVEL_INFO, Message: message,
	}}})
}

func (r *run) progress(percent float64) {
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Progress{Progress: &pluginv1.Progress{Percent: percent}}})
}

func (r *run) target(state string) {
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Targets{Targets: &pluginv1.Targets{
		Targets: []*pluginv1.Target{{Id: "file", Name: "the file", State: state}},
	}}})
}

func (r *run) result() {
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Result{Result: &pluginv1.Result{Document: []byte(`{"made":1}`)}}})
}

// record announces an undo record and returns whether it is durable.
func (r *run) record(doc any) bool {
	b, _ := json.Marshal(doc)
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Undo{Undo: &pluginv1.UndoRecord{
		Sequence: 1, Record: b, Description: "remove the file",
	}}})
	ack, ok := <-r.acks
	return ok && ack.GetError() == ""
}

// finish ends the run; with words it has failed.
func (r *run) finish(failure string) error {
	f := &pluginv1.Finished{}
	if failure != "" {
		f.Failure = &pluginv1.Failure{Message: failure}
	}
	return r.stream.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Finished{Finished: f}})
}
