package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

func TestPace(t *testing.T) {
	p := pace{burst: 3, every: time.Second}
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	var calm time.Time
	for i := range 3 {
		if wait := p.take(&calm, now); wait != 0 {
			t.Fatalf("number %d waits %v", i, wait)
		}
	}
	if wait := p.take(&calm, now); wait != time.Second {
		t.Errorf("one too many waits %v", wait)
	}
	now = now.Add(400 * time.Millisecond)
	if wait := p.take(&calm, now); wait != 600*time.Millisecond {
		t.Errorf("later it waits %v", wait)
	}
	now = now.Add(600 * time.Millisecond)
	if p.take(&calm, now) != 0 || p.take(&calm, now) == 0 {
		t.Error("not one came free in the time for one")
	}
	now = now.Add(time.Hour)
	for i := range 4 {
		if wait := p.take(&calm, now); (wait == 0) != (i < 3) {
			t.Errorf("after a long time number %d waits %v", i, wait)
		}
	}
}

func TestWrongKeysAreLimitedPerAddress(t *testing.T) {
	g := newGate(t, believingLoopback)
	_, right := g.key(access.NewKey{Role: access.Viewer})
	wrong := get("/api/1/me").bearing("cmed_wrong").with(forwardedFor, "198.51.100.7")
	for range loginPace.burst {
		g.do(wrong).is(http.StatusUnauthorized)
	}
	a := g.do(wrong).is(http.StatusTooManyRequests)
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	a.has("msg", `"`+fmt.Sprintf(tellTooMany, wait)+`"`)
	if err != nil || wait < 1 || time.Duration(wait)*time.Second > loginPace.every {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	g.do(get("/api/1/me").bearing(right).with(forwardedFor, "198.51.100.7")).is(http.StatusOK)       // a right key always passes
	g.do(wrong).is(http.StatusTooManyRequests)                                                       // and changes nothing for the others
	g.do(get("/api/1/me").with(forwardedFor, "198.51.100.7")).is(http.StatusUnauthorized)            // no key is no guess
	g.do(get("/healthz").bearing("cmed_wrong").with(forwardedFor, "198.51.100.7")).is(http.StatusOK) // nor is it needed there
	g.do(get("/api/1/me").bearing("cmed_wrong").with(forwardedFor, "198.51.100.8")).is(http.StatusUnauthorized)
}

func TestANetworkOfIPv6IsOneAddress(t *testing.T) {
	var l logins
	now := time.Now()
	for i := range loginPace.burst {
		addr := netip.MustParseAddr("2001:db8:0:1::" + strconv.Itoa(i+1))
		if a := l.fail(addr, now); a.wait != 0 {
			t.Fatalf("number %d waits", i)
		}
	}
	if a := l.fail(netip.MustParseAddr("2001:db8:0:1:ffff::1"), now); a.wait == 0 {
		t.Error("another address of the network is another client")
	}
	if a := l.fail(netip.MustParseAddr("2001:db8:0:2::1"), now); a.wait != 0 {
		t.Error("another network is the same client")
	}
	if len(l.visitors) != 2 {
		t.Errorf("%d are remembered", len(l.visitors))
	}
}

func TestAddressesWithoutEndTakeNoMemoryWithoutEnd(t *testing.T) {
	var l logins
	now := time.Now()
	records := 0
	for i := range 10 * maxVisitors {
		addr := netip.AddrFrom4([4]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
		if l.fail(addr, now).record {
			records++
		}
		if len(l.visitors) > maxVisitors {
			t.Fatalf("%d are remembered", len(l.visitors))
		}
	}
	if records != recordPace.burst {
		t.Errorf("%d are recorded, want %d", records, recordPace.burst)
	}
}

// What there is nothing to remember of goes first.
func TestWhoStillHasToWaitIsRememberedLongest(t *testing.T) {
	var l logins
	now := time.Now()
	guesser := netip.MustParseAddr("198.51.100.7")
	for i := range maxVisitors - 1 {
		l.fail(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	now = now.Add(2 * time.Minute)
	for range loginPace.burst + 1 {
		l.fail(guesser, now)
	}
	l.fail(netip.MustParseAddr("198.51.100.8"), now) // makes room
	if len(l.visitors) != 2 {
		t.Errorf("%d are remembered", len(l.visitors))
	}
	if l.fail(guesser, now).wait == 0 {
		t.Error("the guesser is forgotten")
	}
}

func TestWrongKeysAreOnRecordOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logins
		addr := netip.MustParseAddr("198.51.100.7")
		var records []int
		for range 180 { // three minutes
			if a := l.fail(addr, time.Now()); a.record {
				records = append(records, a.unrecorded)
			}
			time.Sleep(time.Second)
		}
		if len(records) != 3 || records[0] != 0 || records[1] != 59 || records[2] != 59 {
			t.Errorf("recorded %v", records)
		}
	})
}
