package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// lastWords is how long messages of a dead process are still read.
const lastWords = time.Second

// conversation is one run: the messages both ways, and the ladder that ends it
// when it is stopped. It is held by one goroutine, which is the only one to call
// the sink.
type conversation struct {
	*process
	ctx     context.Context
	sink    engine.Sink
	out     *outbox
	in      chan received
	done    chan struct{} // closed when nothing is received any more
	started time.Time
	dryRun  bool

	stopped     bool
	finished    *pluginv1.Finished
	err         error
	peak        int64
	records     int
	targets     map[string]bool // by id, else name
	targetsFull bool
}

// received is one message, or the error that ends the stream.
type received struct {
	message *pluginv1.PluginMessage
	err     error
}

func newConversation(ctx context.Context, p *process, sink engine.Sink) *conversation {
	return &conversation{
		process: p, ctx: ctx, sink: sink, in: make(chan received), done: make(chan struct{}), started: time.Now(),
		targets: map[string]bool{},
	}
}

// hold sends Start, talks until the run is over, and returns when nothing of
// the process is left.
func (c *conversation) hold(start engine.Start) engine.Exit {
	c.dryRun = start.DryRun
	for _, what := range c.lacks {
		c.sink.Log(notice(what))
	}
	c.out = newOutbox(c.stream)
	go c.receive()
	c.out.put(startMessage(c.ref, start, c.host.cfg.Grace))
	c.talk()
	close(c.done)
	patience := time.Duration(0)
	switch {
	case c.finished != nil:
		c.peak = peakMemory(c.child.pid)
		patience = exitPatience
	case status.Code(c.err) == codes.Unavailable:
		patience = drainBound // it is dying by itself: let it say how
	}
	c.out.close()
	c.close(patience)
	c.out.wait()
	for _, e := range c.output.rest() {
		c.sink.Log(e)
	}
	return c.exit()
}

// exit is the run's end, when the process is gone.
func (c *conversation) exit() engine.Exit {
	e := engine.Exit{Finished: c.finished != nil, Stopped: c.stopped, Stuck: !c.child.isOver(), Status: c.status(c.peak)}
	switch {
	case c.finished != nil:
		e.Failure = failure(c.finished.GetFailure())
	case errors.Is(c.err, errSilent):
		e.Err = fmt.Errorf("it %w within %s", c.err, c.host.cfg.Grace)
	case errors.Is(c.err, io.EOF):
		e.Err = errors.New("it ended the run without an answer")
	default:
		e.Err = c.broken("Run", c.err)
	}
	return e
}

// errNothingToUndo is what an attack is told that announces an undo record in a
// dry run.
var errNothingToUndo = errors.New("a dry run does no harm, so there is nothing to undo")

var (
	errSilent = errors.New("was told to stop and did not answer")
	errLost   = status.Error(codes.Unavailable, "the process is gone")
)

// receive passes messages on, one at a time, until the stream ends.
func (c *conversation) receive() {
	for {
		m, err := c.stream.Recv()
		select {
		case c.in <- received{m, err}:
		case <-c.done:
			return
		}
		if err != nil {
			return
		}
	}
}

// talk handles what comes until the plugin has answered, the stream has ended,
// or the ladder is at its end.
func (c *conversation) talk() {
	stop := c.ctx.Done()
	gone := c.child.gone
	var ladder <-chan time.Time
	climb := c.terminateStep
	for c.finished == nil && c.err == nil {
		in := c.in
		if c.out.full() {
			in = nil
		}
		select {
		case r := <-in:
			c.handle(r)
		case <-c.output.ready:
			for _, e := range c.output.take() {
				c.sink.Log(e)
			}
		case <-stop:
			stop = nil
			c.stopped = true
			c.out.put(stopMessage(context.Cause(c.ctx)))
			ladder = time.After(c.host.cfg.Grace)
		case <-ladder:
			ladder, climb = climb()
		case <-gone:
			// What it said before it died is still in the socket.
			gone, stop = nil, nil
			ladder, climb = time.After(lastWords), c.lostStep
		case <-c.out.room:
		}
	}
}

// step is one rung of the ladder; it returns when the next is due, and which.
type step func() (<-chan time.Time, step)

func (c *conversation) terminateStep() (<-chan time.Time, step) {
	c.peak = peakMemory(c.child.pid)
	c.child.terminate()
	return time.After(c.host.cfg.TermGrace), c.giveUpStep
}

// giveUpStep ends the talk; the process is killed then.
func (c *conversation) giveUpStep() (<-chan time.Time, step) {
	c.err = errSilent
	return nil, c.giveUpStep
}

// lostStep ends the talk with a process that is gone.
func (c *conversation) lostStep() (<-chan time.Time, step) {
	c.err = errLost
	return nil, c.lostStep
}

// handle takes one message in.
func (c *conversation) handle(r received) {
	if r.err != nil {
		c.err = r.err
		return
	}
	switch m := r.message.GetMessage().(type) {
	case *pluginv1.PluginMessage_Started:
		c.sink.Started(instant(m.Started.GetAt(), c.started))
	case *pluginv1.PluginMessage_Log:
		c.sink.Log(logEntry(m.Log, "attack"))
	case *pluginv1.PluginMessage_Progress:
		c.sink.Progress(progress(m.Progress))
	case *pluginv1.PluginMessage_Targets:
		c.addTargets(m.Targets.GetTargets())
	case *pluginv1.PluginMessage_Undo:
		c.addUndo(m.Undo)
	case *pluginv1.PluginMessage_Undone:
		c.sink.Undone(m.Undone.GetSequence(), undoAnswer(m.Undone.GetAnswer()))
	case *pluginv1.PluginMessage_Result:
		c.setResult(m.Result.GetDocument())
	case *pluginv1.PluginMessage_Finished:
		c.finished = m.Finished
		if c.finished == nil {
			c.finished = &pluginv1.Finished{}
		}
		_ = failpoint.Hit(failpoint.HostFinished) // there is nobody to tell an error
	}
}

// addUndo makes a record durable and tells the plugin how that went.
func (c *conversation) addUndo(u *pluginv1.UndoRecord) {
	c.out.put(ackMessage(u.GetSequence(), c.storeUndo(u)))
}

func (c *conversation) storeUndo(u *pluginv1.UndoRecord) error {
	if err := failpoint.Hit(failpoint.HostUndoReceived); err != nil {
		return err
	}
	if c.dryRun {
		c.child.tell(SawUndoRecord, cut(u.GetDescription(), maxShort))
		return errNothingToUndo
	}
	record, err := newUndo(u)
	if err != nil {
		return err
	}
	c.records++
	if c.records > engine.MaxUndoRecords {
		return fmt.Errorf("a run may have at most %d undo records", engine.MaxUndoRecords)
	}
	if err := c.sink.Undo(record); err != nil {
		return err
	}
	return failpoint.Hit(failpoint.HostUndoStored)
}

// addTargets passes on what is said of targets, while there is room for those
// that nothing was said of before.
func (c *conversation) addTargets(list []*pluginv1.Target) {
	var kept []*pluginv1.Target
	for _, t := range list {
		name := cmp.Or(t.GetId(), t.GetName())
		if !c.targets[name] && len(c.targets) == engine.MaxTargets {
			if !c.targetsFull {
				c.targetsFull = true
				c.sink.Log(notice(fmt.Sprintf("only the first %d targets are on record", engine.MaxTargets)))
			}
			continue
		}
		c.targets[name] = true
		kept = append(kept, t)
	}
	if len(kept) > 0 {
		c.sink.Targets(targets(kept))
	}
}

func (c *conversation) setResult(doc []byte) {
	if len(doc) > engine.MaxResult || !validJSON(doc) {
		c.sink.Log(notice(fmt.Sprintf("the result is left out: it is no JSON document of at most %d bytes", engine.MaxResult)))
		return
	}
	c.sink.Result(doc)
}
