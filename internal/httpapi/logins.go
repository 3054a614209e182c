package httpapi

import (
	"net/netip"
	"sync"
	"time"
)

// How many wrong keys an address may send: 10 at once, then one in 6 s. How
// often that is recorded: once a minute for each address, and for all together
// 100 times at once, then one in 6 s, so that nobody fills the disk.
var (
	loginPace  = pace{burst: 10, every: 6 * time.Second}
	recordPace = pace{burst: 100, every: 6 * time.Second}
)

const (
	recordEvery = time.Minute
	// maxVisitors bounds the addresses that are remembered.
	maxVisitors = 10_000
)

// pace is how often something may happen. Its state is the time at which all is
// as if nothing had happened (the generic cell rate algorithm); the zero time is
// a start.
type pace struct {
	burst int
	every time.Duration
}

// take counts one more, unless it is too many: then it returns how long to wait.
func (p pace) take(calm *time.Time, now time.Time) (wait time.Duration) {
	from := *calm
	if from.Before(now) {
		from = now
	}
	next := from.Add(p.every)
	if wait = next.Sub(now) - time.Duration(p.burst)*p.every; wait > 0 {
		return wait
	}
	*calm = next
	return 0
}

// logins counts the wrong keys of each address. The zero value has seen none.
type logins struct {
	mu       sync.Mutex
	visitors map[netip.Prefix]*visitor
	recorded time.Time // state of recordPace
}

// visitor is an address that sent wrong keys.
type visitor struct {
	calm       time.Time // state of loginPace
	recorded   time.Time // when last
	unrecorded int       // since then
}

// attempt is what becomes of a wrong key.
type attempt struct {
	wait       time.Duration // until the next may come; 0: this one was not too many
	record     bool
	unrecorded int // how many were not recorded since the last that was
}

// fail counts a wrong key.
func (l *logins) fail(addr netip.Addr, now time.Time) attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.visitor(addr, now)
	a := attempt{wait: loginPace.take(&v.calm, now)}
	a.record, a.unrecorded = l.record(v, now)
	return a
}

// refuse counts a write without a key: it is recorded as rarely as a wrong key
// is, but it is no guess.
func (l *logins) refuse(addr netip.Addr, now time.Time) attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := attempt{}
	a.record, a.unrecorded = l.record(l.visitor(addr, now), now)
	return a
}

// record says whether to record, and how many were not.
func (l *logins) record(v *visitor, now time.Time) (record bool, unrecorded int) {
	if now.Sub(v.recorded) < recordEvery || recordPace.take(&l.recorded, now) > 0 {
		v.unrecorded++
		return false, 0
	}
	unrecorded = v.unrecorded
	v.recorded, v.unrecorded = now, 0
	return true, unrecorded
}

// visitor finds or makes the entry of an address. Of IPv6 a network of 64 bits
// counts as one, since whoever has one address there has all.
func (l *logins) visitor(addr netip.Addr, now time.Time) *visitor {
	network := networkOf(addr)
	if v := l.visitors[network]; v != nil {
		return v
	}
	if len(l.visitors) >= maxVisitors {
		l.forget(now)
	}
	if l.visitors == nil {
		l.visitors = map[netip.Prefix]*visitor{}
	}
	v := &visitor{}
	l.visitors[network] = v
	return v
}

// forget makes room: of those there is nothing to remember of, and if these are
// few, of any.
func (l *logins) forget(now time.Time) {
	for network, v := range l.visitors {
		if v.calm.Before(now) && now.Sub(v.recorded) >= recordEvery {
			delete(l.visitors, network)
		}
	}
	for network := range l.visitors {
		if len(l.visitors) <= maxVisitors/2 {
			return
		}
		delete(l.visitors, network)
	}
}

func networkOf(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // the zero Addr: all that are unknown
	}
	return network
}
