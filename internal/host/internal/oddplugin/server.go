package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

type adapter struct{ plugin.NetRPCUnsupportedPlugin }

func (adapter) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error { //nolint:unparam // go-plugin wants it so
	pluginv1.RegisterPluginServer(s, server{})
	return nil
}

func (adapter) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("not a host")
}

type server struct {
	pluginv1.UnimplementedPluginServer
}

func (server) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return description().Response()
}

// mode is what a config's args ask for.
func mode(config []byte) string {
	var c struct {
		Args struct {
			Mode string `json:"mode"`
		} `json:"args"`
	}
	_ = json.Unmarshal(config, &c)
	return c.Args.Mode
}

func (server) Plan(_ context.Context, r *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error) {
	at := timestamppb.New(r.GetNow().AsTime().Add(time.Minute))
	answer := &pluginv1.PlanResponse{Executions: []*pluginv1.Execution{{At: at, Name: r.GetPlanName(), Args: []byte(`{"n":1}`)}}, ZoneUsed: true, Warnings: []string{r.GetZone()}}
	switch mode(r.GetConfig()) {
	case "refuse":
		return &pluginv1.PlanResponse{Failure: &pluginv1.Failure{Message: "no", Pointer: "/args/mode"}}, nil
	case "many":
		for range 10_000 {
			answer.Executions = append(answer.Executions, answer.Executions[0])
		}
	case "hang":
		time.Sleep(time.Hour)
	case "die":
		_, _ = syscall.Write(2, []byte("cannot plan\n"))
		os.Exit(4)
	case "huge":
		answer.Warnings = []string{strings.Repeat("x", 17<<20)}
	case "never":
		answer.Executions[0].At = nil
	case "badargs":
		answer.Executions[0].Args = []byte("{")
	}
	return answer, nil
}

func (server) Undo(r *pluginv1.UndoRequest, stream pluginv1.Plugin_UndoServer) error {
	_ = stream.Send(&pluginv1.UndoMessage{Message: &pluginv1.UndoMessage_Log{Log: &pluginv1.LogEntry{
		Level: pluginv1.LogLevel_LOG_LEVEL_WARN, Message: "undoing " + string(r.GetRecord()),
	}}})
	answer := &pluginv1.Answer{Outcome: pluginv1.Outcome_OUTCOME_UNDONE, Message: fmt.Sprint("attempt ", r.GetAttempt())}
	switch mode(r.GetConfig()) {
	case "hang":
		time.Sleep(time.Hour)
	case "die":
		os.Exit(5)
	case "silent":
		return nil
	case "strange":
		answer.Outcome = 99
	case "who", "escape":
		answer.Message = attempt(mode(r.GetConfig()))
	}
	return stream.Send(&pluginv1.UndoMessage{Message: &pluginv1.UndoMessage_Answer{Answer: answer}})
}

func (server) Run(stream pluginv1.Plugin_RunServer) error {
	m, err := stream.Recv()
	if err != nil {
		return err
	}
	count("run")
	r := run{stream, m.GetStart().GetConfig()}
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Started{Started: &pluginv1.Started{At: timestamppb.Now()}}})
	mode := mode(r.config)
	if m.GetStart().GetDryRun() {
		mode = "dry-" + mode
	}
	if act, ok := acts[mode]; ok {
		return act(r)
	}
	return r.finish("")
}

// run is a run's stream.
type run struct {
	stream pluginv1.Plugin_RunServer
	config []byte
}

func (r run) send(m *pluginv1.PluginMessage) { _ = r.stream.Send(m) }

func (r run) log(format string, args ...any) {
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Log{Log: &pluginv1.LogEntry{
		At: timestamppb.Now(), Level: pluginv1.LogLevel_LOG_LEVEL_INFO, Message: fmt.Sprintf(format, args...),
	}}})
}

func (r run) result(doc any) {
	b, _ := json.Marshal(doc)
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Result{Result: &pluginv1.Result{Document: b}}})
}

func (r run) finish(failure string) error {
	f := &pluginv1.Finished{}
	if failure != "" {
		f.Failure = &pluginv1.Failure{Message: failure}
	}
	return r.stream.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Finished{Finished: f}})
}

func (r run) undo(sequence uint64, record string) {
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Undo{Undo: &pluginv1.UndoRecord{Sequence: sequence, Record: []byte(record)}}})
}

var acts = map[string]func(run) error{
	"fail":  func(r run) error { return r.finish("as asked") },
	"panic": func(run) error { panic("as asked") },
	"die":   func(run) error { os.Exit(3); return nil },
	"eof":   func(run) error { return nil },
	"error": func(run) error { return errors.New("an error of the stream") },
	"freeze": func(run) error {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour) // the stop comes when it comes
		return nil
	},
	"frozen-group": func(run) error {
		_ = syscall.Kill(0, syscall.SIGSTOP)
		time.Sleep(time.Hour) // the stop comes when it comes
		return nil
	},
	"child":   func(r run) error { start(false); return r.finish("") },
	"session": func(r run) error { start(true); return r.finish("") },
	"orphan": func(run) error {
		start(true)
		os.Exit(6)
		return nil
	},
	"hold-session": func(run) error {
		start(true)
		count("hold")
		time.Sleep(time.Hour)
		return nil
	},
	"hold-stubborn": func(run) error {
		signal.Ignore(syscall.SIGTERM)
		count("hold")
		time.Sleep(time.Hour)
		return nil
	},
	"hold-escape": func(run) error {
		attempt("escape")
		time.Sleep(time.Hour)
		return nil
	},
	"flood": func(r run) error {
		line := []byte(strings.Repeat("x", 99) + "\n")
		for range 20_000 {
			_, _ = syscall.Write(1, line)
			_, _ = syscall.Write(2, line)
		}
		return r.finish("")
	},
	"print": func(r run) error {
		fmt.Println("printed")
		fmt.Fprintln(os.Stderr, "complained")
		time.Sleep(300 * time.Millisecond) // go-plugin forwards it in its own time
		return r.finish("")
	},
	"lifeline": func(r run) error {
		r.log("waiting")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return r.finish("hung up")
	},
	"huge": func(r run) error {
		r.log("%s", strings.Repeat("x", 17<<20))
		return r.finish("")
	},
	"obey":     obey,
	"stubborn": stubborn,
	"undo":     undo,
	"dry-undo": undo,
	"attempt":  attemptAll,
	"unread": func(r run) error {
		for i := uint64(1); ; i++ {
			r.undo(i, `{`)
		}
	},
	"targets": func(r run) error {
		list := make([]*pluginv1.Target, 6000)
		for i := range list {
			list[i] = &pluginv1.Target{Id: fmt.Sprint(i)}
		}
		for range 3 {
			r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Targets{Targets: &pluginv1.Targets{Targets: list}}})
		}
		return r.finish("")
	},
	"env": func(r run) error {
		dir, _ := os.Getwd()
		r.result(map[string]any{"env": os.Environ(), "dir": dir})
		return r.finish("")
	},
}

// start starts a process that outlives this one, holding its stderr.
func start(session bool) {
	cmd := exec.Command("sleep", "600")
	cmd.Stderr = os.NewFile(2, "stderr")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// obey waits for Stop and answers with its cause.
func obey(r run) error {
	m, err := r.stream.Recv()
	if err != nil {
		return err
	}
	r.log("stopped: %s", m.GetStop().GetReason())
	return r.finish(m.GetStop().GetCause().String())
}

// stubborn hears neither Stop nor SIGTERM.
func stubborn(r run) error {
	signal.Ignore(syscall.SIGTERM)
	r.log("deaf now")
	time.Sleep(time.Hour)
	return nil
}

// undo announces two records, the second one wrong, and takes the first back.
func undo(r run) error {
	r.undo(1, `{"n":1}`)
	first, _ := r.stream.Recv()
	r.undo(2, `{`)
	second, _ := r.stream.Recv()
	r.log("first %q second %q", first.GetUndoAck().GetError(), second.GetUndoAck().GetError())
	r.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Undone{Undone: &pluginv1.Undone{
		Sequence: 1, Answer: &pluginv1.Answer{Outcome: pluginv1.Outcome_OUTCOME_NOTHING_TO_DO},
	}}})
	return r.finish("")
}
