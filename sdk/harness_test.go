package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// patience bounds every wait of the tests for something that must happen.
const patience = 10 * time.Second

// host is a host that talks to a service in this process.
type host struct {
	client pluginv1.PluginClient
	conn   *grpc.ClientConn
	life   *life
	// left gets what the life's leave was called with.
	left chan bool
}

func newHost(t *testing.T, offers ...Offer) *host {
	t.Helper()
	return newHostOf(t, newFixed(offers))
}

func newHostOf(t *testing.T, offers stock) *host {
	t.Helper()
	h := &host{life: newLife(patience), left: make(chan bool, 1)}
	h.life.leave = func(flush bool) { h.left <- flush }
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(pluginv1.MaxMessage), grpc.MaxSendMsgSize(pluginv1.MaxMessage), grpc.WaitForHandlers(true))
	pluginv1.RegisterPluginServer(server, newService(offers, h.life))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(pluginv1.MaxMessage), grpc.MaxCallSendMsgSize(pluginv1.MaxMessage)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	h.conn, h.client = conn, pluginv1.NewPluginClient(conn)
	return h
}

// leaves waits for the process to leave.
func (h *host) leaves(t *testing.T) {
	t.Helper()
	select {
	case <-h.left:
	case <-time.After(patience):
		t.Fatal("the process does not leave")
	}
}

// call is one run as the host sees it.
type call struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[pluginv1.HostMessage, pluginv1.PluginMessage]
	cancel context.CancelFunc
	// refuse, if set, is the error of every acknowledgement.
	refuse string
	// onUndo is called before a record is acknowledged.
	onUndo func()
}

func openRun(t *testing.T, client pluginv1.PluginClient) *call {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	stream, err := client.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &call{t: t, stream: stream, cancel: cancel}
}

func (c *call) send(m *pluginv1.HostMessage) {
	c.t.Helper()
	if err := c.stream.Send(m); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *call) start(ref string, args any) {
	c.t.Helper()
	c.begin(&pluginv1.Start{Ref: ref, Config: config(c.t, ref, args)})
}

// startDry starts a dry run without args.
func (c *call) startDry(ref string) {
	c.t.Helper()
	c.begin(&pluginv1.Start{Ref: ref, Config: config(c.t, ref, nil), DryRun: true})
}

func (c *call) begin(start *pluginv1.Start) {
	c.t.Helper()
	start.RunId, start.PlanName, start.Name, start.Seed = "run-1", "the plan", "first", 7
	start.Zone, start.Timeout = "Europe/Madrid", durationpb.New(time.Minute)
	c.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: start}})
}

func (c *call) stop(cause pluginv1.StopCause, reason string) {
	c.t.Helper()
	c.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stop{Stop: &pluginv1.Stop{Cause: cause, Reason: reason}}})
}

// next returns the next message, having acknowledged undo records; nil at the
// end.
func (c *call) next() *pluginv1.PluginMessage {
	c.t.Helper()
	m, err := c.stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	if record := m.GetUndo(); record != nil {
		if c.onUndo != nil {
			c.onUndo()
		}
		c.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_UndoAck{
			UndoAck: &pluginv1.UndoAck{Sequence: record.GetSequence(), Error: c.refuse},
		}})
	}
	return m
}

// rest returns all messages up to the end of the stream. The last must be
// Finished, whose failure is returned.
func (c *call) rest() (all []*pluginv1.PluginMessage, failure *pluginv1.Failure) {
	c.t.Helper()
	for m := c.next(); m != nil; m = c.next() {
		all = append(all, m)
	}
	if len(all) == 0 || all[len(all)-1].GetFinished() == nil {
		c.t.Fatalf("the last of %d messages is not Finished: %v", len(all), all)
	}
	return all, all[len(all)-1].GetFinished().GetFailure()
}

// config returns a whole config.
func config(t *testing.T, ref string, args any) []byte {
	t.Helper()
	doc, err := json.Marshal(map[string]any{"ref": ref, "args": args})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// textArgs are the args of most attacks here.
type textArgs struct {
	Text string `json:"text"`
}

func attack(run func(ctx context.Context, args textArgs, run *Run) error) Attack[textArgs] {
	return Attack[textArgs]{Info: Info{Ref: "t:A"}, Run: run}
}
