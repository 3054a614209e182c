package store

import (
	"os"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// wantCondition compares what the store says of itself; "": it can be written.
func wantCondition(t *testing.T, s *Store, want engine.Code) {
	t.Helper()
	c, err := s.Condition()
	wantNoError(t, err)
	wantCode(t, c.Unwritable, want)
	// As though nobody had asked for a while.
	s.trouble.mu.Lock()
	s.trouble.tried = time.Now().Add(-time.Hour)
	s.trouble.mu.Unlock()
	wantCode(t, s.Writable(t.Context()), want)
}

// TestOnAFullDisk says what of the keys, the audit, the history and the backups
// goes on.
func TestOnAFullDisk(t *testing.T) {
	d := smallDisk(t, 8)
	s := openAt(t, d.database(), WithReserve(1<<20))
	wantNoError(t, s.AddKey(t.Context(), keyNamed("aaaaaaaaaaaa", noon)))
	for range 100 {
		stored(t, s, engine.Succeeded, engine.Failed)
	}
	wantCondition(t, s, "")
	d.fill()
	untilFull(t, s)
	var err error
	for n, refused := 0, 0; n < 10_000 && refused < 50; n++ { // a few bytes find room still, now and then
		if _, err = s.AppendAudit(t.Context(), audit.Entry{At: noon, Action: "create_plan", Outcome: audit.Failed}); err != nil {
			refused++
		} else {
			refused = 0
		}
	}
	wantCode(t, err, engine.CodeFull)
	wantCondition(t, s, engine.CodeFull)
	if c, err := s.Condition(); err != nil || c.DiskFree > 1<<20 {
		t.Errorf("free on a full disk: %+v, %v", c, err)
	}
	_, err = s.RevokeKey(t.Context(), "aaaaaaaaaaaa", noon)
	wantNoError(t, err)
	_, err = s.AppendAudit(t.Context(), audit.Entry{At: noon, Action: "create_plan", Outcome: audit.Refused})
	wantCode(t, err, engine.CodeFull)
	_, err = s.AppendAudit(t.Context(), audit.Entry{At: noon, Action: "engage_lever", Outcome: audit.OK})
	wantNoError(t, err)
	wantCondition(t, s, engine.CodeFull) // though something could be written
	_, err = s.Snapshot(t.Context())
	wantCode(t, err, engine.CodeFull)
	pruned, _ := pruneAll(t, s, time.Now().Add(time.Hour), 20)
	if len(pruned.Plans) < 100 {
		t.Errorf("%d plans are pruned", len(pruned.Plans))
	}
	wantCondition(t, s, "")
	stored(t, s, engine.Scheduled)
	check(t, s)
}

func TestTheConditionOfAStoreThatCannotBeWritten(t *testing.T) {
	s := openStore(t)
	for range 20 { // so that there are free pages to be written
		wantNoError(t, s.SetLever(t.Context(), engine.Lever{Engaged: true}))
	}
	restore := swapped(t, s, s.db.Path(), os.O_RDONLY)
	wantCode(t, s.SetLever(t.Context(), engine.Lever{}), engine.CodeUnwritable)
	wantCondition(t, s, engine.CodeUnwritable)
	restore()
	s.trouble.mu.Lock()
	s.trouble.tried = time.Now().Add(-time.Hour)
	s.trouble.mu.Unlock()
	wantNoError(t, s.Writable(t.Context()))
	wantCondition(t, s, "")
}
