package sdk

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

const (
	// defaultGrace is how long a process has to end when the host doesn't say.
	defaultGrace = 10 * time.Second
	// flushTime is how long the last answer may take to reach the host.
	flushTime = time.Second
	// cleanupTime is how long a hard exit may take to remove the socket.
	cleanupTime = 100 * time.Millisecond
)

func graceOf(text string) time.Duration {
	if grace, err := time.ParseDuration(text); err == nil && grace > 0 {
		return grace
	}
	return defaultGrace
}

// serveHost serves until the host shuts it down or is gone. It returns when no
// call is under way.
func serveHost(s *service) (status int) {
	server := &hostServer{}
	s.life.leave = server.leave
	s.life.kill = server.kill
	s.prepare = sync.OnceFunc(redirect(os.Stderr))
	watchSignals(s.life)
	if os.Getenv(pluginv1.EnvLifeline) == "stdin" {
		go watchLifeline(s.life, os.Stdin)
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: pluginv1.CookieKey, MagicCookieValue: pluginv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{pluginv1.Version: {pluginv1.Name: &served{service: s}}},
		GRPCServer:       server.create,
		Logger:           logger(s.life),
	})
	if server.created.Load() == nil {
		return 1 // it could not listen; go-plugin has said why
	}
	s.life.end(&StopError{Cause: HostGone, Reason: "the host closed the connection"})
	<-s.life.over
	return 0
}

// logger takes go-plugin's complaints, except those that follow from the end of
// this process.
func logger(l *life) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: "plugin", Level: hclog.Warn, Output: os.Stderr,
		Exclude: func(hclog.Level, string, ...any) bool {
			select {
			case <-l.ending:
				return true
			default:
				return false
			}
		},
	})
}

// watchLifeline ends the life when nothing more can come from in: the host's
// end is closed, by itself or by its death.
func watchLifeline(l *life, in io.Reader) {
	_, err := io.Copy(io.Discard, in)
	reason := "the lifeline closed"
	if err != nil {
		reason += ": " + err.Error()
	}
	l.end(&StopError{Cause: HostGone, Reason: reason})
}

// watchSignals ends the life on SIGTERM. SIGPIPE is taken so that it doesn't end
// the process: when the host is dead, printing must fail instead of killing an
// undo half-way. SIGINT is go-plugin's to ignore.
func watchSignals(l *life) {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	go func() {
		<-terminate
		l.end(&StopError{Cause: Terminated, Reason: "the process was told to terminate"})
	}()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// redirect returns a function that makes os.Stdout and os.Stderr print to out.
//
// go-plugin replaces both with pipes whose content waits for the host to ask
// for it through a service of its own; a host that doesn't would have the author
// block in a fmt.Println once 64 KiB are full. The standard error it was started
// with is drained by every host.
func redirect(out *os.File) func() {
	return func() { os.Stdout, os.Stderr = out, out }
}

// hostServer keeps hold of the gRPC server that go-plugin runs.
type hostServer struct{ created atomic.Pointer[grpc.Server] }

func (h *hostServer) create(options []grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(pluginv1.MaxMessage), grpc.MaxSendMsgSize(pluginv1.MaxMessage))...)
	h.created.Store(server)
	return server
}

// leave has the server end, and with it plugin.Serve, which removes the socket.
// The last answer is given a moment to get through.
func (h *hostServer) leave(flush bool) {
	server := h.created.Load()
	switch {
	case server == nil: // the host was gone before anything was served
		os.Exit(0)
	case flush:
		time.AfterFunc(flushTime, server.Stop)
		go server.GracefulStop()
	default:
		go server.Stop()
	}
}

// kill ends the process when its grace is over, with its socket if it can.
func (h *hostServer) kill() {
	time.AfterFunc(cleanupTime, func() { os.Exit(1) })
	if server := h.created.Load(); server != nil {
		server.Stop()
	}
	os.Exit(1)
}

// served is the plugin as go-plugin wants to see it.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	service *service
}

// GRPCServer implements plugin.GRPCPlugin.
func (p *served) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	pluginv1.RegisterPluginServer(server, p.service)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (p *served) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return pluginv1.NewPluginClient(conn), nil
}
