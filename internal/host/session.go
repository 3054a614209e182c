package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// drainBound is how long output is still read when a process is gone: it is all
// in the pipe by then, unless a process that could not be found holds it open.
const drainBound = 250 * time.Millisecond

// errIncompatible is returned when a plugin speaks another protocol version.
var errIncompatible = errors.New("speaks another protocol version")

// call is what a session is opened for.
type call struct {
	class class
	// what follows the store id in the mark; unique among the calls under way.
	what string
	// ref is what is called; "" when it is not known yet.
	ref engine.Ref
	// digest is that of the copy to execute.
	digest string
	// path is where the operator placed the plugin; for the plugin to know.
	path string
	// env is what is passed on from the host's environment.
	env []string
}

// session is a plugin process that has made its handshake.
type session struct {
	rpc    pluginv1.PluginClient
	conn   *grpc.ClientConn
	child  *child
	output *output

	host   *Host
	runner *runner
	client *plugin.Client
	drop   func() // gives the copy back
}

// open starts a process and connects to it. When it fails, nothing is left; the
// error is a *startError, or the context's cause.
func (h *Host) open(ctx context.Context, c call) (*session, error) {
	copyPath, drop, err := h.copies.take(c.digest)
	if err != nil {
		return nil, &startError{stage: "copy", message: "its private copy is missing", hint: "rescan the plugin folders", cause: err}
	}
	leave, err := h.gate.enter(ctx, c.class)
	if err != nil {
		drop()
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeoutCause(ctx, h.cfg.StartTimeout,
		fmt.Errorf("%s its handshake within %s", incomplete, h.cfg.StartTimeout))
	defer cancel()
	s := &session{host: h, drop: drop, output: newOutput()}
	s.runner = newRunner(h, c, copyPath, s.output)
	s.client = plugin.NewClient(h.clientConfig(s.runner))

	connected := make(chan struct{})
	go func() {
		defer close(connected)
		err = s.connect()
	}()
	select {
	case <-connected:
	case <-ctx.Done():
		s.runner.abort() // ends what connect waits for
		<-connected
		err = context.Cause(ctx)
	}
	if err != nil {
		s.end(0)
		return nil, s.failure(err)
	}
	return s, nil
}

// connect makes go-plugin start the process, and keeps the connection.
func (s *session) connect() error {
	// go-plugin makes the folder, and the runner adopts it.
	s.host.making.RLock()
	s.runner.adopted = sync.OnceFunc(s.host.making.RUnlock)
	protocol, err := s.client.Client()
	s.runner.adopted()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(pluginv1.Name)
	if err != nil {
		return err
	}
	conn, ok := raw.(*grpc.ClientConn)
	if !ok {
		return fmt.Errorf("go-plugin dispensed a %T", raw)
	}
	s.conn, s.rpc, s.child = conn, pluginv1.NewPluginClient(conn), s.runner.child
	return nil
}

// clientConfig is how go-plugin is used: gRPC only, our own runner, no TLS (the
// socket is in a private folder), nothing inherited.
func (h *Host) clientConfig(r *runner) *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: pluginv1.CookieKey, MagicCookieValue: pluginv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{
			pluginv1.Version: {pluginv1.Name: connection{}},
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc:       r.adopt,
		SkipHostEnv:      true,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: h.runRoot},
		StartTimeout:     2 * h.cfg.StartTimeout, // open gives up first, and says why
		Logger:           hclog.NewNullLogger(),  // it would log what the plugin prints
		SyncStdout:       h.printed(h.mark(r.call.what), r.output.writer(fromStdout)),
		SyncStderr:       r.output.writer(fromStderr),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(
				grpc.MaxCallRecvMsgSize(pluginv1.MaxMessage),
				grpc.MaxCallSendMsgSize(pluginv1.MaxMessage),
			),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.DefaultConfig, MinConnectTimeout: h.cfg.StartTimeout,
			}),
			grpc.WithDisableServiceConfig(),
		},
	}
}

// end sees the process off and cleans up after it: it has the patience given to
// go by itself, then it is killed. Only when the group is dead is go-plugin's
// client closed: Client.Kill would wait for a frozen process for ever.
func (s *session) end(patience time.Duration) {
	if c := s.runner.started(); c != nil {
		if s.conn != nil && patience > 0 {
			c.cutLifeline()
			s.shutdown(patience)
		}
		c.end(patience)
		s.runner.finish(c)
	}
	s.runner.release()
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.client.Kill()
	if dir := s.runner.folder(); dir != "" {
		s.host.removeRunDir(dir)
	}
	s.drop()
}

// shutdown asks the plugin's server to stop, by go-plugin's own service. It
// returns when the connection is closed, at the latest when the bound has
// passed. What go-plugin offers for this is only part of Client.Kill.
func (s *session) shutdown(bound time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	_ = s.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
}

// failure says why a session could not be opened, when its process is gone.
func (s *session) failure(err error) error {
	c := s.runner.started()
	if c == nil {
		return diagnoseExec(err)
	}
	line := s.runner.handshake()
	if v, ok := handshakeVersion(line); ok && v != pluginv1.Version {
		return &startError{
			stage: "handshake", message: fmt.Sprintf("speaks protocol version %d; this daemon speaks %d", v, pluginv1.Version),
			hint: "rebuild it with an SDK of this daemon's release", stderr: s.output.text(), cause: errIncompatible, exit: c.how(),
		}
	}
	return diagnoseHandshake(err, line, c, s.output.text())
}

// connection is the plugin as go-plugin dispenses it: the bare connection.
type connection struct{ plugin.NetRPCUnsupportedPlugin }

func (connection) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves nothing")
}

func (connection) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}
