package httpapi

import (
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// An event as it is sent (https://html.spec.whatwg.org/#server-sent-events):
//
//	id: <epoch>-<number>
//	event: executor.running
//	data: {"type":"executor.running","at":"…","executor":{…}}
//
// The member that is named after the thing is its document, as elsewhere in the
// API: plan (of its configs the refs alone), executor, undo, lever or plugin.

// Publish tells the readers of the event stream what has changed. It encodes the
// change once, for all of them, and does not wait for any.
func (s *Server) Publish(c engine.Change) {
	data, err := encodeChange(c, s.zone())
	if err != nil {
		s.log.Error("a change can't be told", "type", c.Type, "error", err)
		return
	}
	s.feed.publish(aboutOf(c), data)
}

// encodeChange returns the data of a change's event.
func encodeChange(c engine.Change, zone *time.Location) ([]byte, error) {
	dst := make([]byte, 0, 1<<10)
	dst = append(dst, `{"type":`...)
	dst = appendString(dst, c.Type)
	dst = append(dst, `,"at":`...)
	dst = appendTime(dst, c.At, zone)
	var err error
	switch {
	case c.Executor != nil:
		dst = appendExecutor(append(dst, `,"executor":`...), c.Executor, zone, nil)
	case c.Undo != nil:
		dst = appendUndo(append(dst, `,"undo":`...), c.Undo, zone, nil)
	case c.Plan != nil:
		dst, err = appendDocument(dst, `,"plan":`, newPlanDocument(*c.Plan, zone))
	case c.Lever != nil:
		dst, err = appendDocument(dst, `,"lever":`, newLeverDocument(*c.Lever, zone))
	case c.Plugin != nil:
		doc := pluginDocument(*c.Plugin)
		doc.Refs = emptyNotNull(doc.Refs)
		dst, err = appendDocument(dst, `,"plugin":`, doc)
	}
	return append(dst, '}'), err
}

func appendDocument(dst []byte, name string, doc any) ([]byte, error) {
	encoded, err := encode(doc)
	return append(append(dst, name...), encoded...), err
}

// aboutOf says what a change's event can be chosen by.
func aboutOf(c engine.Change) about {
	thing, _, _ := strings.Cut(c.Type, ".")
	a := about{kind: c.Type, thing: thing}
	switch {
	case c.Executor != nil:
		a.plan, a.executor = string(c.Executor.PlanID), string(c.Executor.ID)
	case c.Undo != nil:
		a.plan, a.executor = string(c.Undo.Plan), string(c.Undo.Executor)
	case c.Plan != nil:
		a.plan = string(c.Plan.ID)
	}
	return a
}

// reconnect is how long a client is asked to wait before it connects anew, in
// milliseconds.
const reconnect = "2000"

// opening is what a stream begins with: an id without data, which a client takes
// for the last it has seen and shows to nobody.
func opening(id string) []byte { return []byte("retry: " + reconnect + "\nid: " + id + "\n\n") }

// resetting is what a stream begins with that can't go on where the client was.
func resetting(id string, now time.Time, zone *time.Location) []byte {
	dst := append(opening(id), "id: "+id+"\nevent: reset\ndata: "...)
	dst = append(dst, `{"type":"reset","at":`...)
	dst = appendTime(dst, now, zone)
	return append(dst, `,"msg":"what changed since the last event you have seen is not known; read the lists anew"}`+"\n\n"...)
}

// heartbeat shows an idle client that the stream lives, and how far it is.
func heartbeat(id string) []byte { return []byte(":\nid: " + id + "\n\n") }

func appendNumber(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }
