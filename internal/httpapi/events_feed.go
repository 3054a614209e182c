package httpapi

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// feed is the events and who reads them. Nothing is done for a reader but to
// wake it: it knows how far it is, and fetches what follows by itself.
type feed struct {
	cfg   EventsConfig
	beat  time.Duration
	epoch string // of the numbers: another in each daemon

	mu      sync.Mutex
	ring    ring
	readers map[*reader]struct{}
	pacer   *pacer // nil while nobody reads

	behind, stuck atomic.Uint64
}

func newFeed(cfg EventsConfig, beat time.Duration) *feed {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return &feed{
		cfg: cfg, beat: beat, epoch: hex.EncodeToString(random[:]),
		ring: ring{kept: cfg.Kept}, readers: map[*reader]struct{}{},
	}
}

// publish adds an event and has the readers fetch it.
func (f *feed) publish(what about, data []byte) {
	head := "id: " + f.epoch + "-"
	tail := make([]byte, 0, len(data)+len(what.kind)+len("\nevent: \ndata: \n\n"))
	tail = append(append(tail, "\nevent: "...), what.kind...)
	tail = append(append(tail, "\ndata: "...), data...)
	tail = append(tail, "\n\n"...)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring.add(what, head, tail)
	if f.pacer != nil {
		f.pacer.tell()
	}
}

// id is the id of the event with a number.
func (f *feed) id(n uint64) string { return f.epoch + "-" + strconv.FormatUint(n, 10) }

// number is the number of an event by its id; false when it is not of this epoch.
func (f *feed) number(id string) (uint64, bool) {
	epoch, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	return n, err == nil && epoch == f.epoch
}

// reader is one who reads the events.
type reader struct {
	feed *feed
	last uint64        // number of the last event it has; its own
	wake chan struct{} // receives when there is something to be sent
	beat atomic.Bool   // set when that may be a heartbeat
}

// beginning is an id for join: that before all that is kept.
const beginning = "beginning"

// join adds a reader that goes on after the event with the id given, or begins
// now when that is "". known is false when it can't go on there, and begins now
// too. The reader must leave. CodeBusy when there are too many.
func (f *feed) join(after string) (r *reader, known bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers) >= f.cfg.MaxReaders {
		return nil, false, engine.Errorf(engine.CodeBusy, "too many read the events; at most %d can", f.cfg.MaxReaders)
	}
	r = &reader{feed: f, last: f.ring.last, wake: make(chan struct{}, 1)}
	n, ours := f.number(after)
	switch {
	case after == "":
		known = true
	case after == beginning:
		r.last, known = f.ring.before(), true
	case ours:
		if _, known = f.ring.after(n); known {
			r.last = n
		}
	}
	f.readers[r] = struct{}{}
	if f.pacer == nil {
		f.pacer = startPacer(f, f.beat)
	}
	return r, known, nil
}

// leave ends a reader. With the last one the pacer ends.
func (r *reader) leave() {
	if p := r.feed.remove(r); p != nil {
		p.stop()
	}
}

// remove returns the pacer when nobody needs it any more.
func (f *feed) remove(r *reader) *pacer {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, r)
	if len(f.readers) > 0 {
		return nil
	}
	p := f.pacer
	f.pacer = nil
	return p
}

// errBehind ends a reader that was too slow.
var errBehind = errors.New("the reader is so far behind that what follows is no longer kept")

// next returns what follows the last event that the reader has; nothing when
// there is nothing yet. errBehind when it is no longer kept.
func (r *reader) next() (stretch, error) {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	s, kept := r.feed.ring.after(r.last)
	if !kept {
		r.feed.behind.Add(1)
		return stretch{}, errBehind
	}
	return s, nil
}

// count tells of the readers.
func (f *feed) count() EventReaders {
	f.mu.Lock()
	defer f.mu.Unlock()
	return EventReaders{
		Readers: len(f.readers), Published: f.ring.last, Behind: f.behind.Load(), Stuck: f.stuck.Load(),
	}
}

// appendReaders appends all readers, in any order.
func (f *feed) appendReaders(dst []*reader) []*reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r := range f.readers {
		dst = append(dst, r)
	}
	return dst
}
