package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// patience bounds every wait of the tests for something that must happen.
const patience = 10 * time.Second

// binary is the test plugin, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "cmed-sdk")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary = filepath.Join(dir, "testplugin")
		build := exec.Command("go", "build", "-o", binary, "./internal/testplugin")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			panic(err)
		}
		status := m.Run()
		if err := goleak.Find(); err != nil && status == 0 {
			_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
			return 1
		}
		return status
	}())
}

// process is the test plugin under a host.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *bytes.Buffer
	dir    string // of its socket
	client pluginv1.PluginClient
	conn   *grpc.ClientConn
	exited chan struct{}
}

func startProcess(t *testing.T, env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary), dir: t.TempDir(), stderr: &bytes.Buffer{}, exited: make(chan struct{})}
	p.cmd.Env = append([]string{
		pluginv1.CookieKey + "=" + pluginv1.CookieValue, pluginv1.EnvLifeline + "=stdin",
		"PLUGIN_UNIX_SOCKET_DIR=" + p.dir, "PLUGIN_PROTOCOL_VERSIONS=1",
	}, env...)
	p.cmd.Stderr = p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // the tests look at ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	part := strings.Split(strings.TrimSpace(line), "|")
	if readErr != nil || len(part) < 5 || part[1] != "1" || part[4] != "grpc" {
		t.Fatalf("handshake %q, %v", line, readErr)
	}
	conn, err := grpc.NewClient("unix:"+part[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p.conn, p.client = conn, pluginv1.NewPluginClient(conn)
	return p
}

// ends waits for the process to exit, with that status, and checks that its
// socket is gone.
func (p *process) ends(status int) {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("the process does not exit")
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("exit status %d (%s), want %d; stderr:\n%s", got, p.cmd.ProcessState, status, p.stderr)
	}
	if left, err := os.ReadDir(p.dir); err != nil || len(left) > 0 {
		p.t.Errorf("left behind: %v, %v", left, err)
	}
}

type session struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[pluginv1.HostMessage, pluginv1.PluginMessage]
}

// run opens a run and, when mode is not empty, starts it.
func (p *process) run(mode, path string) *session {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	p.t.Cleanup(cancel)
	stream, err := p.client.Run(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	s := &session{p.t, stream}
	if mode != "" {
		s.start("test:Attack", attackConfig(p.t, mode, path))
	}
	return s
}

func (s *session) start(ref string, config []byte) {
	s.t.Helper()
	s.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: &pluginv1.Start{
		Ref: ref, RunId: "run-1", Config: config, Zone: "UTC",
	}}})
}

func attackConfig(t *testing.T, mode, path string) []byte {
	t.Helper()
	doc, err := json.Marshal(map[string]any{"ref": "test:Attack", "args": map[string]string{"mode": mode, "path": path}})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func (s *session) send(m *pluginv1.HostMessage) {
	s.t.Helper()
	if err := s.stream.Send(m); err != nil {
		s.t.Fatal(err)
	}
}

// until returns the messages up to one that last accepts, having acknowledged
// undo records with the error given.
func (s *session) until(last func(*pluginv1.PluginMessage) bool, ackError string) []*pluginv1.PluginMessage {
	s.t.Helper()
	var all []*pluginv1.PluginMessage
	for {
		m, err := s.stream.Recv()
		if err != nil {
			s.t.Fatalf("after %v: %v", all, err)
		}
		if undo := m.GetUndo(); undo != nil {
			s.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_UndoAck{
				UndoAck: &pluginv1.UndoAck{Sequence: undo.GetSequence(), Error: ackError},
			}})
		}
		all = append(all, m)
		if last(m) {
			return all
		}
	}
}

func isFinished(m *pluginv1.PluginMessage) bool { return m.GetFinished() != nil }

func isProgress(m *pluginv1.PluginMessage) bool { return m.GetProgress() != nil }

func failureOf(all []*pluginv1.PluginMessage) *pluginv1.Failure {
	return all[len(all)-1].GetFinished().GetFailure()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

func TestProcessRunsAndIsShutDown(t *testing.T) {
	p := startProcess(t)
	path := filepath.Join(t.TempDir(), "x")
	if all := p.run("touch", path).until(isFinished, ""); failureOf(all) != nil || !exists(path) {
		t.Fatalf("messages %v", all)
	}
	undo := func() pluginv1.Outcome {
		stream, err := p.client.Undo(t.Context(), &pluginv1.UndoRequest{
			Ref: "test.Attack", RunId: "run-1", Sequence: 1, Attempt: 1,
			Record: []byte(`"` + path + `"`), Config: attackConfig(t, "touch", path),
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return m.GetAnswer().GetOutcome()
	}
	if first := undo(); first != pluginv1.Outcome_OUTCOME_UNDONE || exists(path) {
		t.Errorf("first undo: %s", first)
	}
	if second := undo(); second != pluginv1.Outcome_OUTCOME_NOTHING_TO_DO {
		t.Errorf("second undo: %s", second)
	}
	_ = p.stdin.Close()
	p.ends(0)
}

func TestProcessDoesNoHarmWithoutRecord(t *testing.T) {
	p := startProcess(t)
	path := filepath.Join(t.TempDir(), "x")
	all := p.run("touch", path).until(isFinished, "disk full")
	if failureOf(all).GetMessage() != "the undo record is not durable: disk full" || exists(path) {
		t.Errorf("messages %v", all)
	}
}

func TestProcessExitsWhenTheLifelineClosesBeforeStart(t *testing.T) {
	p := startProcess(t)
	s := p.run("", "")
	if _, err := p.client.Describe(t.Context(), &pluginv1.DescribeRequest{}); err != nil {
		t.Fatal(err)
	}
	_ = p.stdin.Close()
	p.ends(0)
	if m, err := s.stream.Recv(); err == nil {
		t.Errorf("a message: %v", m)
	}
}

func TestProcessExitsWhenTheRunIsCalledOff(t *testing.T) {
	p := startProcess(t)
	s := p.run("", "")
	if err := s.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	p.ends(0)
}

func TestProcessUndoesWhenStopped(t *testing.T) {
	for rule, c := range map[string]struct {
		stop func(p *process, s *session)
		want string
		ends bool
	}{
		"by the host": {func(_ *process, s *session) {
			s.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stop{Stop: &pluginv1.Stop{
				Cause: pluginv1.StopCause_STOP_CAUSE_TIMED_OUT, Reason: "too slow",
			}}})
		}, "stopped: timed out: too slow", false},
		"by its lifeline": {func(p *process, _ *session) { _ = p.stdin.Close() }, "stopped: host gone: the lifeline closed", true},
		"by SIGTERM": {
			func(p *process, _ *session) { _ = p.cmd.Process.Signal(syscall.SIGTERM) },
			"stopped: terminated: the process was told to terminate", true,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			p := startProcess(t)
			path := filepath.Join(t.TempDir(), "x")
			s := p.run("hold", path)
			s.until(isProgress, "")
			if !exists(path) {
				t.Fatal("no harm was done")
			}
			c.stop(p, s)
			all := s.until(isFinished, "")
			if failureOf(all).GetMessage() != c.want || len(all) != 2 || all[0].GetUndone().GetAnswer().GetOutcome() != pluginv1.Outcome_OUTCOME_UNDONE {
				t.Errorf("messages %v", all)
			}
			if exists(path) {
				t.Error("the harm is still there")
			}
			if c.ends {
				p.ends(0)
			}
		})
	}
}

// The host's death closes all at once: lifeline, connection, and the pipe that
// the plugin prints to.
func TestProcessUndoesWhenTheHostIsDead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "x")
	cmd := exec.Command(binary)
	cmd.Env = []string{
		pluginv1.CookieKey + "=" + pluginv1.CookieValue, pluginv1.EnvLifeline + "=stdin", "PLUGIN_UNIX_SOCKET_DIR=" + dir,
	}
	stdin, stdout, stderr := pipes(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("unix:"+strings.Split(line, "|")[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, client: pluginv1.NewPluginClient(conn)}
	p.run("hold", path).until(isProgress, "")
	_ = stdout.Close()
	_ = stderr.Close()
	_ = conn.Close()
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(dir); exists(path) || err != nil || len(left) > 0 {
		t.Errorf("harm there: %t, left behind: %v, %v", exists(path), left, err)
	}
}

func pipes(t *testing.T, cmd *exec.Cmd) (stdin io.WriteCloser, stdout, stderr io.ReadCloser) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if stdout, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if stderr, err = cmd.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	return stdin, stdout, stderr
}

func TestProcessIsEndedWhenItsGraceIsOver(t *testing.T) {
	p := startProcess(t, pluginv1.EnvGrace+"=200ms")
	s := p.run("ignore", "")
	s.until(func(m *pluginv1.PluginMessage) bool { return m.GetStarted() != nil }, "")
	_ = p.stdin.Close()
	p.ends(1)
}

func TestProcessSurvivesAPanic(t *testing.T) {
	p := startProcess(t)
	failure := failureOf(p.run("panic", "").until(isFinished, ""))
	if failure.GetMessage() != "panic: on purpose" || !strings.Contains(failure.GetStack(), "testplugin/main.go") {
		t.Errorf("failure %v", failure)
	}
}

// What is printed arrives on standard error, however much it is, and nobody has
// to ask go-plugin's own service for it.
func TestProcessPrintsToStandardError(t *testing.T) {
	p := startProcess(t)
	all := p.run("flood", "").until(isFinished, "")
	if failureOf(all) != nil {
		t.Fatalf("messages %v", all)
	}
	_ = p.stdin.Close()
	p.ends(0)
	if got := p.stderr.Len(); got != 8192*1024 {
		t.Errorf("%d bytes on standard error", got)
	}
}

// A stock go-plugin host that knows only the protocol gets along with it.
func TestProcessUnderAStockHost(t *testing.T) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: pluginv1.Version, MagicCookieKey: pluginv1.CookieKey, MagicCookieValue: pluginv1.CookieValue,
		},
		Plugins: plugin.PluginSet{pluginv1.Name: stock{}}, Cmd: exec.Command(binary),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protocol.Dispense(pluginv1.Name)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, client: raw.(pluginv1.PluginClient)}
	if all := p.run("flood", "").until(isFinished, ""); failureOf(all) != nil {
		t.Errorf("messages %v", all)
	}
	client.Kill()
	if !client.Exited() {
		t.Error("it was shut down and lives")
	}
}

type stock struct{ plugin.NetRPCUnsupportedPlugin }

func (stock) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return errors.New("not a server") }

func (stock) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return pluginv1.NewPluginClient(conn), nil
}

func TestProcessByHand(t *testing.T) {
	for _, c := range []struct {
		rule           string
		args           []string
		stdout, stderr string
		status         int
	}{
		{rule: "explains itself", stdout: "testplugin is a plugin of cmed, the Chaos Monkey Engine. It offers\n  attack   test:Attack  Does as it is told\n  planner  test:Now     Plans for now\n"},
		{rule: "helps", args: []string{"--help"}, stdout: "testplugin is a plugin of cmed"},
		{rule: "describes", args: []string{"describe"}, stdout: "{\n  \"protocol\": 1,\n  \"sdk\": \"cmed-sdk-go/"},
		{rule: "knows no other argument", args: []string{"run"}, stderr: `testplugin: unknown arguments ["run"]; it takes none, or "describe"`, status: 2},
		{rule: "knows no second argument", args: []string{"describe", "x"}, stderr: `testplugin: unknown arguments`, status: 2},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(binary, c.args...)
			cmd.Env = []string{}
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			if status := cmd.ProcessState.ExitCode(); status != c.status {
				t.Errorf("status %d, %v", status, err)
			}
			if !strings.HasPrefix(stdout.String(), c.stdout) || !strings.HasPrefix(stderr.String(), c.stderr) {
				t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
			}
			if (c.stdout == "") != (stdout.Len() == 0) || (c.stderr == "") != (stderr.Len() == 0) {
				t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
			}
		})
	}
}
