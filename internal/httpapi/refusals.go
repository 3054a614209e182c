package httpapi

import (
	"cmp"
	"maps"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

// refusals paces what goes on record of the writes that came to nothing: for each
// key, for all who call without one and for all on the socket, recordPace of those
// that were refused and as much of those that failed. The zero value has seen none.
type refusals struct {
	mu    sync.Mutex
	paced map[refusedBy]*refused
}

// refusedBy is whose writes are counted, and by which outcome.
type refusedBy struct{ who, outcome string }

// refused is what is remembered of them.
type refused struct {
	calm       time.Time // state of recordPace
	unrecorded int       // since the last that was recorded
}

// maxRefused bounds what is remembered; beyond it, what is calm is forgotten.
const maxRefused = 2 * access.MaxKeys

// count counts the write of an entry. It returns how many like it were not
// recorded since the last that was, or that this one is not to be recorded either.
func (r *refusals) count(e audit.Entry, now time.Time) (unrecorded int, enough bool) {
	by := refusedBy{cmp.Or(e.Key, e.Who), e.Outcome}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.paced[by]
	if k == nil {
		if r.paced == nil {
			r.paced = map[refusedBy]*refused{}
		}
		if len(r.paced) >= maxRefused {
			maps.DeleteFunc(r.paced, func(_ refusedBy, k *refused) bool { return k.calm.Before(now) })
		}
		k = &refused{}
		r.paced[by] = k
	}
	if recordPace.take(&k.calm, now) > 0 {
		k.unrecorded++
		return 0, true
	}
	unrecorded, k.unrecorded = k.unrecorded, 0
	return unrecorded, false
}

// whence says of whom an entry was counted.
func whence(e audit.Entry) string {
	switch {
	case e.Key != "":
		return "with this key"
	case e.From == socketFrom:
		return "over the socket"
	default:
		return "without a key"
	}
}
