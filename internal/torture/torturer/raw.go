package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// socketFolder is the variable in which go-plugin says where to listen.
const socketFolder = "PLUGIN_UNIX_SOCKET_DIR"

// babble greets with garbage and never goes.
func babble() {
	fmt.Print("\x00\xff\x16\x03good morning\n\n|||1|2|unix\n")
	select {}
}

// serveRaw greets and serves without the SDK and without go-plugin, so that the
// bytes on the connection are at hand. It never returns.
func serveRaw() {
	folder := os.Getenv(socketFolder)
	if folder == "" {
		folder = os.TempDir()
	}
	path := filepath.Join(folder, "raw")
	unix, err := net.Listen("unix", path) //nolint:noctx // for the life of the process
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	listener := &tap{Listener: unix}
	server := grpc.NewServer()
	pluginv1.RegisterPluginServer(server, raw{tap: listener})
	fmt.Printf("1|%d|unix|%s|grpc\n", pluginv1.Version, path)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		if !listener.deaf() {
			os.Exit(1) // the host is gone
		}
	}()
	err = server.Serve(listener)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// tap is a listener that keeps its connections at hand.
type tap struct {
	net.Listener
	mu      sync.Mutex
	conns   []net.Conn
	ignores bool
}

// Accept implements net.Listener.
func (t *tap) Accept() (net.Conn, error) {
	conn, err := t.Listener.Accept()
	if err == nil {
		t.mu.Lock()
		t.conns = append(t.conns, conn)
		t.mu.Unlock()
	}
	return conn, err
}

// write puts bytes on all connections, in the middle of what gRPC says there.
func (t *tap) write(bytes []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, conn := range t.conns {
		_, _ = conn.Write(bytes)
	}
}

// ignoreAll makes the process deaf to signals and to the loss of its host.
func (t *tap) ignoreAll() {
	t.mu.Lock()
	t.ignores = true
	t.mu.Unlock()
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2)
}

func (t *tap) deaf() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ignores
}

// raw is the service.
type raw struct {
	pluginv1.UnimplementedPluginServer
	tap *tap
}

// Run implements pluginv1.PluginServer.
func (r raw) Run(stream pluginv1.Plugin_RunServer) error {
	m, err := stream.Recv()
	if err != nil || m.GetStart() == nil {
		os.Exit(0) // it was called off
	}
	start := m.GetStart()
	s, err := scriptOf(start.GetConfig())
	if err != nil {
		return err
	}
	if err := noteRun(s, start.GetRunId()); err != nil {
		return err
	}
	if err := stream.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Started{Started: &pluginv1.Started{At: timestamppb.Now()}}}); err != nil {
		return err
	}
	for i := range s.Records {
		if err := r.harm(stream, s, start.GetRunId(), uint64(i)+1); err != nil {
			return err
		}
	}
	return r.act(stream, s.Nature)
}

func (r raw) harm(stream pluginv1.Plugin_RunServer, s script.Script, executor string, sequence uint64) error {
	record := &pluginv1.UndoRecord{Sequence: sequence, Record: []byte("1")}
	if err := stream.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Undo{Undo: record}}); err != nil {
		return err
	}
	m, err := stream.Recv()
	if err != nil {
		return err
	}
	ack := m.GetUndoAck()
	if ack == nil || ack.GetError() != "" {
		return errors.New("the record was not taken: " + ack.GetError())
	}
	return do(s, executor, sequence)
}

func (r raw) act(stream pluginv1.Plugin_RunServer, nature script.Nature) error {
	switch nature {
	case script.Deaf:
		r.tap.ignoreAll()
		select {}
	case script.Cut:
		// The head of a DATA frame of 16,000 bytes on stream 1 (RFC 9113), and
		// too few of them.
		r.tap.write([]byte("\x00\x3e\x80\x00\x00\x00\x00\x00\x01too few"))
		os.Exit(3)
	case script.Garbage:
		r.tap.write([]byte(strings.Repeat("\xde\xad\xbe\xef no frame \x00", 512)))
		select {}
	}
	finished := &pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Finished{Finished: &pluginv1.Finished{Failure: &pluginv1.Failure{Message: "once"}}}}
	result := &pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Result{Result: &pluginv1.Result{Document: []byte(`{"n":1}`)}}}
	var err error
	for range 2 {
		err = errors.Join(err, stream.Send(result), stream.Send(finished))
	}
	return err
}

// Undo implements pluginv1.PluginServer.
func (r raw) Undo(request *pluginv1.UndoRequest, stream pluginv1.Plugin_UndoServer) error {
	s, err := scriptOf(request.GetConfig())
	if err != nil {
		return err
	}
	if err := noteEarly(s, request.GetRunId()); err != nil {
		return err
	}
	outcome := pluginv1.Outcome_OUTCOME_UNDONE
	found, err := takeBack(s, request.GetRunId(), request.GetSequence())
	if err != nil {
		return err
	}
	if !found {
		outcome = pluginv1.Outcome_OUTCOME_NOTHING_TO_DO
	}
	return stream.Send(&pluginv1.UndoMessage{Message: &pluginv1.UndoMessage_Answer{Answer: &pluginv1.Answer{Outcome: outcome}}})
}

func scriptOf(config []byte) (script.Script, error) {
	var c struct {
		Args script.Script `json:"args"`
	}
	err := json.Unmarshal(config, &c)
	return c.Args, err
}
