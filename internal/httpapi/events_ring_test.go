package httpapi

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// sampleEvent is one event of a test and what it is about.
type sampleEvent struct {
	about
	text string // as it is sent
}

// fill adds n events of random length to a ring, and returns all of them.
func fill(r *ring, n int, random *rand.Rand) []sampleEvent {
	var all []sampleEvent
	for range n {
		what := about{thing: []string{"plan", "executor"}[random.IntN(2)]}
		tail := "\n" + strings.Repeat("x", random.IntN(300)) + "\n\n"
		r.add(what, "id: e-", []byte(tail))
		all = append(all, sampleEvent{what, fmt.Sprintf("id: e-%d%s", r.last, tail)})
	}
	return all
}

// collect reads all that a ring has after n.
func collect(t *testing.T, r *ring, n uint64, wanted func(about) bool) (text string, last uint64, kept bool) {
	t.Helper()
	var all bytes.Buffer
	for {
		s, kept := r.after(n)
		if !kept {
			return all.String(), n, false
		}
		if len(s.marks) == 0 {
			return all.String(), n, true
		}
		if err := s.each(wanted, func(p []byte) error { all.Write(p); return nil }); err != nil {
			t.Fatal(err)
		}
		n = s.last
	}
}

func TestARingGivesWhatFollows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, kept := range []int{0, 1000, 20_000, 1 << 20} {
		r := &ring{kept: kept}
		all := fill(r, 2000, random)
		oldest := r.before()
		if kept == 1<<20 && oldest != 0 {
			t.Errorf("%d of %d bytes kept, and the first %d events are gone", r.size, kept, oldest)
		}
		if kept < 1000 && oldest < 1900 || r.size > max(kept, 2*600) {
			t.Errorf("of %d bytes to be kept there are %d, from event %d on", kept, r.size, oldest)
		}
		for range 200 {
			n := uint64(random.IntN(len(all) + 3))
			only := []string{"", "plan", "executor"}[random.IntN(3)]
			wanted := func(a about) bool { return only == "" || a.thing == only }
			got, last, ok := collect(t, r, n, wanted)
			if wantOK := n >= oldest && n <= uint64(len(all)); ok != wantOK {
				t.Fatalf("after %d, with %d to %d there: known is %t", n, oldest, len(all), ok)
			} else if !ok {
				continue
			}
			var want strings.Builder
			for _, e := range all[n:] {
				if wanted(e.about) {
					want.WriteString(e.text)
				}
			}
			if got != want.String() || last != uint64(len(all)) {
				t.Fatalf("after %d, only %q: up to %d, %d bytes, want %d", n, only, last, len(got), want.Len())
			}
		}
	}
}

func TestAnEmptyRing(t *testing.T) {
	r := &ring{kept: 1000}
	if s, kept := r.after(0); !kept || len(s.marks) > 0 {
		t.Errorf("after 0: %+v, %t", s, kept)
	}
	if _, kept := r.after(1); kept {
		t.Error("an event that was never there is known")
	}
}

func TestAnEventLargerThanABlockIsKept(t *testing.T) {
	r := &ring{kept: 1 << 20}
	r.add(about{}, "id: ", bytes.Repeat([]byte("x"), 3*blockSize))
	r.add(about{}, "id: ", []byte("\n\n"))
	got, last, ok := collect(t, r, 0, func(about) bool { return true })
	if len(got) != len("id: 1")+3*blockSize+len("id: 2\n\n") || last != 2 || !ok {
		t.Errorf("%d bytes, up to %d, %t", len(got), last, ok)
	}
}

// What was handed out must stay as it was while more is added.
func TestWhatWasHandedOutNeverChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	r := &ring{kept: 4096}
	fill(r, 3, random)
	s, _ := r.after(1)
	before := bytes.Clone(s.data[s.from:])
	fill(r, 500, random)
	if !bytes.Equal(before, s.data[s.from:]) {
		t.Error("the bytes that a reader holds have changed")
	}
}
