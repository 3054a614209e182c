package store

import (
	"bytes"
	"iter"
	"slices"

	"go.etcd.io/bbolt"
)

// stretch is the part of an index, within a prefix, that is walked.
type stretch struct {
	low  []byte // first place; nil: the first there is
	high []byte // first place beyond it; nil: none
	// backwards is from high down to low.
	backwards bool
}

// from returns the stretch without what a walk that stood at place has done; nil:
// it has not begun.
func (s stretch) from(place []byte) stretch {
	switch {
	case place == nil:
	case !s.backwards:
		s.low = slices.MaxFunc([][]byte{s.low, append(slices.Clone(place), 0)}, bytes.Compare)
	case s.high == nil || bytes.Compare(place, s.high) < 0:
		s.high = place
	}
	return s
}

// merge yields the places of a stretch that follow one of the prefixes in an
// index, in order. Places are valid for the transaction.
func (t *txn) merge(b bucket, prefixes [][]byte, s stretch) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		walks := make([]*walk, len(prefixes))
		for i, prefix := range prefixes {
			walks[i] = &walk{cursor: t.bucket(b).Cursor(), prefix: prefix, stretch: s}
			walks[i].begin()
		}
		for first := leading(walks); first != nil; first = leading(walks) {
			if !yield(first.place) {
				return
			}
			first.next()
		}
	}
}

// walk goes through the stretch of one prefix.
type walk struct {
	stretch
	cursor *bbolt.Cursor
	prefix []byte
	place  []byte // where it stands; nil: at its end
}

func (w *walk) begin() {
	if !w.backwards {
		k, _ := w.cursor.Seek(slices.Concat(w.prefix, w.low))
		w.stand(k)
		return
	}
	beyond := after(w.prefix)
	if w.high != nil {
		beyond = slices.Concat(w.prefix, w.high)
	}
	w.stand(lastBefore(w.cursor, beyond))
}

func (w *walk) next() {
	var k []byte
	if w.backwards {
		k, _ = w.cursor.Prev()
	} else {
		k, _ = w.cursor.Next()
	}
	w.stand(k)
}

func (w *walk) stand(key []byte) {
	w.place = nil
	if key == nil || !bytes.HasPrefix(key, w.prefix) {
		return
	}
	place := key[len(w.prefix):]
	if bytes.Compare(place, w.low) >= 0 && (w.high == nil || bytes.Compare(place, w.high) < 0) {
		w.place = place
	}
}

// leading returns the walk that stands first; nil when all are at their end.
func leading(walks []*walk) *walk {
	var first *walk
	for _, w := range walks {
		if w.place != nil && (first == nil || (bytes.Compare(w.place, first.place) < 0) != w.backwards) {
			first = w
		}
	}
	return first
}

// lastBefore moves c to the last key before the one given; nil: to the last of
// all. It returns nil when there is none.
func lastBefore(c *bbolt.Cursor, key []byte) []byte {
	if key != nil {
		if found, _ := c.Seek(key); found != nil {
			found, _ = c.Prev()
			return found
		}
	}
	last, _ := c.Last()
	return last
}

// after returns the first key after all that have the prefix; nil when it is no
// key's.
func after(prefix []byte) []byte {
	for i, b := range slices.Backward(prefix) {
		if b < 0xff {
			return append(slices.Clone(prefix[:i]), b+1)
		}
	}
	return nil
}
