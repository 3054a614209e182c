package httpapi

import (
	"sync"
	"time"
)

// refusals paces what goes on record of the writes that each key is refused:
// recordPace for each. There is no more to remember than there are keys. The zero
// value has seen none.
type refusals struct {
	mu   sync.Mutex
	keys map[string]*refused
}

// refused is a key that was refused something.
type refused struct {
	calm       time.Time // state of recordPace
	unrecorded int       // since the last that was recorded
}

// count counts a refusal. It returns how many were not recorded since the last
// that was, or that this one is not to be recorded either.
func (r *refusals) count(key string, now time.Time) (unrecorded int, enough bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.keys[key]
	if k == nil {
		if r.keys == nil {
			r.keys = map[string]*refused{}
		}
		k = &refused{}
		r.keys[key] = k
	}
	if recordPace.take(&k.calm, now) > 0 {
		k.unrecorded++
		return 0, true
	}
	unrecorded, k.unrecorded = k.unrecorded, 0
	return unrecorded, false
}
