package store

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

// TestAuditOfManyAtOnce appends from many goroutines: the chain has each entry
// once, in one order, and goes on after a restart.
func TestAuditOfManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	const writers, each = 8, 40
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				stored, err := s.AppendAudit(t.Context(), audit.Entry{At: at(n), Who: fmt.Sprint(w), Action: fmt.Sprint(n), Outcome: audit.OK})
				if err != nil || stored.Seq == 0 || stored.Hash == "" {
					t.Errorf("appended %+v, %v", stored, err)
				}
			}
		})
	}
	all.Wait()
	wantNoError(t, s.Close())
	s = openAt(t, path)
	stored, err := s.AppendAudit(t.Context(), audit.Entry{At: noon, Who: "later", Outcome: audit.Refused})
	wantNoError(t, err)
	wantSame(t, "number", stored.Seq, writers*each+1)

	verdict, err := audit.Verify(t.Context(), s)
	wantNoError(t, err)
	wantSame(t, "verdict", verdict, audit.Verdict{Entries: writers*each + 1, Head: stored.Hash})
	seen := map[string]int{}
	for after := uint64(0); ; {
		page, err := s.Audit(t.Context(), audit.Query{After: after, Limit: 7})
		wantNoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			wantSame(t, "order", e.Seq, after+1)
			after = e.Seq
			seen[e.Who+"/"+e.Action]++
		}
	}
	wantSame(t, "different entries", len(seen), writers*each+1)
	check(t, s)
}

func TestAuditByTime(t *testing.T) {
	s := openStore(t)
	// The clock was set back in between.
	for i, second := range []int{0, 10, 20, 5, 15, 25} {
		_, err := s.AppendAudit(t.Context(), audit.Entry{At: at(second), Who: fmt.Sprint(i), Outcome: audit.OK})
		wantNoError(t, err)
	}
	for _, c := range []struct {
		query audit.Query
		want  []uint64
	}{
		{audit.Query{}, []uint64{1, 2, 3, 4, 5, 6}},
		{audit.Query{From: at(10)}, []uint64{2, 3, 5, 6}},
		{audit.Query{To: at(10)}, []uint64{1, 4}},
		{audit.Query{From: at(5), To: at(20)}, []uint64{2, 4, 5}},
		{audit.Query{From: at(5), To: at(20), Limit: 2}, []uint64{2, 4}},
		{audit.Query{From: at(5), To: at(20), After: 4}, []uint64{5}},
		{audit.Query{From: at(10).Add(time.Nanosecond)}, []uint64{3, 5, 6}},
		{audit.Query{Before: 3}, []uint64{1, 2}},
		{audit.Query{Before: 1}, nil},
		{audit.Query{After: 2, Before: 5}, []uint64{3, 4}},
		{audit.Query{After: 5, Before: 2}, nil},
		{audit.Query{Newest: true}, []uint64{6, 5, 4, 3, 2, 1}},
		{audit.Query{Newest: true, Limit: 2}, []uint64{6, 5}},
		{audit.Query{Newest: true, Before: 5, Limit: 2}, []uint64{4, 3}},
		{audit.Query{Newest: true, Before: 1}, nil},
		{audit.Query{Newest: true, After: 4}, []uint64{6, 5}},
		{audit.Query{Newest: true, From: at(5), To: at(20), Before: 5}, []uint64{4, 2}},
		{audit.Query{After: 6}, nil},
		{audit.Query{After: ^uint64(0)}, nil},
	} {
		entries, err := s.Audit(t.Context(), c.query)
		wantNoError(t, err)
		var got []uint64
		for _, e := range entries {
			got = append(got, e.Seq)
		}
		wantSame(t, fmt.Sprintf("%+v", c.query), got, c.want)
	}
}
