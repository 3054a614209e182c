package store

import (
	"context"
	"encoding/binary"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

var _ audit.Store = (*Store)(nil)

// AppendAudit implements audit.Store. What somebody did and what came of it, that
// is an entry whose outcome is "ok", may use half of the room that is reserved, so
// that what is only noted leaves the lever and undo the rest; the others are
// refused when the disk is full, so that refusing requests does not use it up.
// CodeFull when there is no room, CodeUnwritable when ctx ends first, as it does when the disk hangs:
// the entry may be stored all the same then.
func (s *Store) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	u := ordinary
	if e.Outcome == audit.OK {
		u = notable
	}
	var stored audit.Entry
	w := &write{urgency: u, records: 1, done: make(chan struct{}), fn: func(t *txn) (err error) {
		stored, err = t.appendAudit(e)
		return err
	}}
	if err := s.unlessHanging(ctx, w); err != nil {
		return audit.Entry{}, err
	}
	return stored, nil
}

func (t *txn) appendAudit(e audit.Entry) (audit.Entry, error) {
	last, err := t.lastAudit()
	if err != nil {
		return audit.Entry{}, err
	}
	e = e.After(last)
	return e, t.putRecord(bucketAudit, auditKey(e), e)
}

// auditKey is the entry's number, and its time for who looks for that.
func auditKey(e audit.Entry) []byte {
	return append(binary.BigEndian.AppendUint64(nil, e.Seq), timeKey(e.At)...)
}

// lastAudit returns the last entry; the zero one when there is none.
func (t *txn) lastAudit() (last audit.Entry, err error) {
	if _, value := t.bucket(bucketAudit).Cursor().Last(); value != nil {
		err = decode(value, &last)
	}
	return last, err
}

// Audit implements audit.Store. A page is DefaultLimit long, at most MaxLimit.
// With times given, each entry between After and Before is looked at, but not read,
// until the page is full, which takes about a tenth of a second a million.
func (s *Store) Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	var page []audit.Entry
	err := s.view(ctx, func(t *txn) (err error) {
		page, err = t.audit(q)
		return err
	})
	return page, err
}

func (t *txn) audit(q audit.Query) ([]audit.Entry, error) {
	if q.After == ^uint64(0) {
		return nil, nil
	}
	asked := stretch{low: binary.BigEndian.AppendUint64(nil, q.After+1), backwards: q.Newest}
	if q.Before > 0 {
		asked.high = binary.BigEndian.AppendUint64(nil, q.Before)
	}
	limit := pageLength(q.Limit)
	var page []audit.Entry
	for key := range t.merge(bucketAudit, [][]byte{nil}, asked) {
		at := timeOf(key[sequenceLength:])
		if !q.From.IsZero() && at.Before(q.From) || !q.To.IsZero() && !at.Before(q.To) {
			continue
		}
		var e audit.Entry
		if err := decode(t.get(bucketAudit, key), &e); err != nil {
			return page, err
		}
		if page = append(page, e); len(page) == limit {
			break
		}
	}
	return page, nil
}
