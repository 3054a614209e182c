package sdktest

import (
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// host does the daemon's part of the run, until it is over.
func (l *Live) host(abandon func()) {
	defer close(l.over)
	timeout := time.NewTimer(l.call.limit(runTimeout))
	defer timeout.Stop()
	var patience <-chan time.Time // ends some time after the first stop
	stop := func(cause sdk.StopCause) (first bool) {
		if first = l.stop(cause); first {
			patience = time.After(l.call.grace)
		}
		return first
	}
	for {
		select {
		case m := <-l.stream.toHost:
			l.take(m)
		case cause := <-l.stops:
			stop(cause)
		case <-timeout.C:
			l.overran = stop(sdk.TimedOut)
		case <-patience:
			l.change(func(*Recording) { l.hung = true })
			abandon()
			return
		case err := <-l.served:
			l.change(func(*Recording) { l.broken = err })
			return
		}
	}
}

// take takes in a message. A record is on record before it is acknowledged.
func (l *Live) take(m *pluginv1.PluginMessage) {
	undo := m.GetUndo()
	if undo == nil || l.call.refuse == "" {
		l.change(func(r *Recording) { r.take(m) })
	}
	if undo != nil {
		l.stream.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_UndoAck{
			UndoAck: &pluginv1.UndoAck{Sequence: undo.GetSequence(), Error: l.call.refuse},
		}})
	}
}

var stopCauses = map[sdk.StopCause]pluginv1.StopCause{
	sdk.Halted:   pluginv1.StopCause_STOP_CAUSE_HALTED,
	sdk.TimedOut: pluginv1.StopCause_STOP_CAUSE_TIMED_OUT,
	sdk.Shutdown: pluginv1.StopCause_STOP_CAUSE_SHUTDOWN,
}

// stop tells the attack to stop. Only the first stop counts.
func (l *Live) stop(cause sdk.StopCause) (first bool) {
	l.change(func(r *Recording) {
		if first = r.Stopped == ""; first {
			r.Stopped = cause
		}
	})
	if !first {
		return false
	}
	if wire, ok := stopCauses[cause]; ok {
		l.stream.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stop{Stop: &pluginv1.Stop{Cause: wire}}})
	} else {
		l.offer.plugin.End(string(cause), "")
	}
	return true
}

// change changes what is known of the run.
func (l *Live) change(how func(r *Recording)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	how(&l.recording)
	close(l.changed)
	l.changed = make(chan struct{})
}
