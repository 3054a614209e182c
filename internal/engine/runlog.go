package engine

import (
	"sync"
	"time"
)

// What a run's log may hold: the beginning and the end, by size of the entries.
const (
	logHead = 192 << 10
	logTail = 64 << 10
	// logEntry bounds one entry's message and fields together.
	logEntry = 16 << 10
	// flushAfter is how long an entry of a live run may stay in memory only.
	flushAfter = 2 * time.Second
)

// runLog collects the log of a live run. The first logHead bytes are kept and
// handed out for storing as they come; of the rest only the last logTail bytes.
// The zero value is ready.
type runLog struct {
	mu      sync.Mutex
	seq     uint64
	head    []LogEntry
	stored  int // entries of head already handed out
	size    int
	tail    []LogEntry
	tailLen int
	lost    int
	timer   *time.Timer
	changed broadcast
}

// append adds an entry and numbers it. flush, if not nil, is called later to
// have unstored entries stored.
func (l *runLog) append(e LogEntry, flush func()) {
	e = clip(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e.Seq = l.seq
	size := len(e.Message) + len(e.Fields) + 64
	if l.tail == nil && l.size+size <= logHead {
		l.size += size
		l.head = append(l.head, e)
		if l.timer == nil && flush != nil {
			l.timer = time.AfterFunc(flushAfter, flush)
		}
	} else {
		l.tail = append(l.tail, e)
		l.tailLen += size
		for l.tailLen > logTail && len(l.tail) > 1 {
			l.tailLen -= len(l.tail[0].Message) + len(l.tail[0].Fields) + 64
			l.tail = l.tail[1:]
			l.lost++
		}
	}
	l.changed.notify()
}

func clip(e LogEntry) LogEntry {
	if len(e.Fields) > logEntry/2 {
		e.Fields = []byte(`{"cmed":"fields left out: too large"}`)
	}
	if len(e.Message) > logEntry/2 {
		e.Message = e.Message[:logEntry/2] + " … (cut)"
	}
	return e
}

// take returns the entries of the head not yet taken; at the end of the run the
// tail too.
func (l *runLog) take(end bool) []LogEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	out := append([]LogEntry(nil), l.head[l.stored:]...)
	l.stored = len(l.head)
	if end {
		out = append(out, l.tail...)
	}
	return out
}

// giveBack makes the last n entries taken be taken again: they were not stored.
func (l *runLog) giveBack(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stored -= n
}

// after returns at most limit entries after the sequence given.
func (l *runLog) after(seq uint64, limit int) []LogEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []LogEntry
	for _, entries := range [][]LogEntry{l.head, l.tail} {
		for _, e := range entries {
			if e.Seq > seq && len(out) < limit {
				out = append(out, e)
			}
		}
	}
	return out
}

func (l *runLog) dropped() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}
