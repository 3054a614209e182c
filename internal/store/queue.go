package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// queueLength bounds how many writes wait; more than that wait to wait.
	queueLength = 1024
	// batchRecords bounds how many records are put in one transaction: they
	// are in memory until it commits. A single larger write is let through.
	batchRecords = 1_000
	// bulkRecords is how many records make a write a bulky one, which lets the
	// others go first.
	bulkRecords = 500
	// bulkPatience is how long bulky writes let the others go first. There are
	// always some where much happens, and what waits for a plan to be stored, the
	// telling of all later changes for one, must not wait for ever.
	bulkPatience = 500 * time.Millisecond
)

// urgency says what a write may do to get through.
type urgency int

const (
	// ordinary writes may not use the room that is reserved.
	ordinary urgency = iota
	// notable writes may use half of it: the rest is left for what is urgent.
	notable
	// urgent writes may use all of it.
	urgent
	// foremost writes may too, and go before all others, in a transaction of
	// their own.
	foremost
)

// The stages of a write. Its caller may withdraw it as long as it is waiting.
const (
	waiting int32 = iota
	taken
	withdrawn
)

// write is one caller's change on its way through the committer.
type write struct {
	fn      func(*txn) error
	urgency urgency
	records int
	stage   atomic.Int32
	err     error         // the outcome; read after done
	done    chan struct{} // closed by the committer
}

// isBulky says whether the write is one of those that let others go first.
func (w *write) isBulky() bool { return w.urgency != foremost && w.records > bulkRecords }

// update has fn applied in a transaction and returns when that is durable. fn
// may run more than once, and must then start afresh. records is about how many
// records it writes. When ctx ends while the write waits, nothing is written.
func (s *Store) update(ctx context.Context, u urgency, records int, fn func(*txn) error) error {
	w := &write{fn: fn, urgency: u, records: records, done: make(chan struct{})}
	if err := s.enqueue(ctx, w); err != nil {
		return err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if w.stage.CompareAndSwap(waiting, withdrawn) {
			return context.Cause(ctx)
		}
		<-w.done
	}
	if p := (*panicked)(nil); errors.As(w.err, &p) {
		panic(p.Error())
	}
	return w.err
}

// unlessHanging is update for who can't wait for a disk that hangs: it returns
// CodeUnwritable when ctx ends, and then it is not certain whether w is stored
// once the disk goes on. What w.fn sets must not be read then.
func (s *Store) unlessHanging(ctx context.Context, w *write) error {
	err := s.enqueue(ctx, w)
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded): // others wait, too, more than may
	case err != nil:
		return err
	default:
		select {
		case <-w.done:
			return w.err
		case <-ctx.Done():
			w.stage.CompareAndSwap(waiting, withdrawn)
		}
	}
	return engine.Errorf(engine.CodeUnwritable, "the store %s is being written and does not come to an end of it: "+
		"its disk hangs or is very slow (%w)", s.room.file.Name(), context.Cause(ctx))
}

func (s *Store) enqueue(ctx context.Context, w *write) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return errClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	queue := s.queue
	switch {
	case w.urgency == foremost:
		queue = s.first
	case w.isBulky():
		queue = s.bulk
	}
	select {
	case queue <- w:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take returns what waits. When nothing does, it waits for it, unless busy: then
// it returns nothing. It reports false when all queues, which are closed
// together, are closed and empty.
func (s *Store) take(busy bool) (batch []*write, open bool) {
	first, open := s.next(busy)
	if first == nil {
		return nil, open
	}
	batch, records := accept(nil, 0, first)
	if first.urgency == foremost {
		return batch, true
	}
	for records < batchRecords {
		select {
		case w, open := <-s.queue:
			if !open {
				return batch, true
			}
			batch, records = accept(batch, records, w)
		default:
			return batch, true
		}
	}
	return batch, true
}

// next returns a write: a foremost one if there is any, else a small one, so
// that the lever and a claim wait for one bulky commit at most.
func (s *Store) next(busy bool) (*write, bool) {
	for {
		w, open := s.waitingNow()
		if w != nil || !open || busy {
			return w, open
		}
		// A queue that is found closed here leads to another round, which
		// finds what is left in the others.
		select {
		case w = <-s.first:
		case w = <-s.queue:
		case w = <-s.bulk:
		}
		if w != nil {
			s.noteTaken(w)
			return w, true
		}
	}
}

// bulkIsLate says whether a bulky write has let others go first for long enough.
func (s *Store) bulkIsLate() bool {
	switch {
	case len(s.bulk) == 0:
		s.bulkWaits = time.Time{}
	case s.bulkWaits.IsZero():
		s.bulkWaits = time.Now()
	default:
		return time.Since(s.bulkWaits) >= bulkPatience
	}
	return false
}

// noteTaken begins the wait of the next bulky write when one is taken.
func (s *Store) noteTaken(w *write) {
	if w.isBulky() {
		s.bulkWaits = time.Time{}
	}
}

// waitingNow returns the write to be taken next, nil when none waits. It reports
// false when none ever will.
func (s *Store) waitingNow() (_ *write, open bool) {
	queues := []chan *write{s.first, s.queue, s.bulk}
	if s.bulkIsLate() {
		queues = []chan *write{s.first, s.bulk, s.queue}
	}
	for _, queue := range queues {
		select {
		case w, more := <-queue:
			if more {
				s.noteTaken(w)
				return w, true
			}
		default:
			open = true // or was, a moment ago: then there may be something in it
		}
	}
	return nil, open
}

// accept adds w to the batch unless its caller has withdrawn it.
func accept(batch []*write, records int, w *write) ([]*write, int) {
	if !w.stage.CompareAndSwap(waiting, taken) {
		return batch, records
	}
	return append(batch, w), records + w.records
}
