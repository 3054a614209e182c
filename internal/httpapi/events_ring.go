package httpapi

import "slices"

// ring is the near past of the events as they are sent: encoded once, numbered
// from 1, the oldest dropped when there is too much. Bytes that were added are
// never changed, so that readers may send them without a lock. The zero value
// keeps nothing but the last block.
type ring struct {
	blocks []*block // oldest first
	kept   int      // bytes to be kept
	size   int      // bytes that are
	last   uint64   // number of the newest event
}

// block is a stretch of memory with events in it, one behind the other.
type block struct {
	first uint64 // number of the first event
	data  []byte
	marks []mark // one for each event
}

// mark says where an event ends in its block, and what it is about.
type mark struct {
	end int
	about
}

// about is what an event can be chosen by.
type about struct {
	kind     string // "executor.failed"
	thing    string // "executor"
	plan     string // "" where it is about none
	executor string
}

// blockSize is that of a block; one event that is larger has a block of its own.
const blockSize = 64 << 10

// add appends an event of which the parts are given, but for its number, which
// follows the first.
func (r *ring) add(what about, head string, tail []byte) {
	const digits = 20 // of the largest number
	room := len(head) + digits + len(tail)
	if n := len(r.blocks); n == 0 || cap(r.blocks[n-1].data)-len(r.blocks[n-1].data) < room {
		size := max(min(blockSize, r.kept/4), room)
		r.blocks = append(r.blocks, &block{first: r.last + 1, data: make([]byte, 0, size)})
		r.size += size
	}
	b := r.blocks[len(r.blocks)-1]
	r.last++
	b.data = append(b.data, head...)
	b.data = appendNumber(b.data, r.last)
	b.data = append(b.data, tail...)
	b.marks = append(b.marks, mark{len(b.data), what})
	for r.size > r.kept && len(r.blocks) > 1 {
		r.size -= cap(r.blocks[0].data)
		r.blocks = slices.Delete(r.blocks, 0, 1)
	}
}

// stretch is events that follow each other, as many as one block has.
type stretch struct {
	data  []byte
	marks []mark
	from  int    // where in the data the first begins
	last  uint64 // number of the last
}

// before is the number before that of the oldest event that is kept.
func (r *ring) before() uint64 {
	if len(r.blocks) == 0 {
		return r.last
	}
	return r.blocks[0].first - 1
}

// after returns what follows the event with the number given, nothing when it is
// the newest; false when what follows is no longer kept, or there never was such
// an event.
func (r *ring) after(n uint64) (s stretch, kept bool) {
	switch {
	case n == r.last:
		return stretch{last: n}, true
	case n > r.last, n+1 < r.blocks[0].first:
		return stretch{}, false
	}
	i, found := slices.BinarySearchFunc(r.blocks, n+1, func(b *block, n uint64) int {
		switch {
		case b.first < n:
			return -1
		case b.first > n:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	b := r.blocks[i]
	skip := int(n + 1 - b.first) //nolint:gosec // fewer than there are in a block
	s = stretch{data: b.data, marks: b.marks[skip:], last: b.first + uint64(len(b.marks)) - 1}
	if skip > 0 {
		s.from = b.marks[skip-1].end
	}
	return s, true
}

// each calls send with the events that are wanted, as many at once as lie beside
// each other.
func (s stretch) each(wanted func(about) bool, send func([]byte) error) error {
	begin, end := s.from, s.from
	for _, m := range s.marks {
		if wanted(m.about) {
			end = m.end
			continue
		}
		if end > begin {
			if err := send(s.data[begin:end]); err != nil {
				return err
			}
		}
		begin, end = m.end, m.end
	}
	if end == begin {
		return nil
	}
	return send(s.data[begin:end])
}
