package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// check inspects the store while it is open: every index and every count, and
// bbolt's own findings.
func check(t testing.TB, s *Store) {
	t.Helper()
	report := &Report{}
	// bbolt's own check looks at the list of free pages, which belongs to the
	// writer, so no other may be at work.
	err := s.update(t.Context(), urgent, 0, func(tx *txn) error {
		if err := report.pages(tx.tx, s.room.file); err != nil {
			return err
		}
		i := inspection{ctx: t.Context(), t: tx, report: report}
		return i.run(nil)
	})
	wantNoError(t, err)
	for _, finding := range report.Findings {
		t.Error(finding)
	}
	if report.More > 0 {
		t.Errorf("and %d more", report.More)
	}
}

// a store with something in each bucket.
func furnish(t *testing.T, path string) {
	t.Helper()
	s := openAt(t, path, WithReserve(0))
	p, executors := stored(t, s, engine.Scheduled, engine.Running, engine.Succeeded)
	wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[1], 1), 0))
	due := recordOf(executors[1], 2)
	due.Due = at(5)
	wantNoError(t, s.AddUndo(t.Context(), due, 0))
	wantNoError(t, s.SaveRun(t.Context(), engine.Run{Executor: executors[2].ID}, lines("one", "two")))
	stored(t, s, engine.Failed)
	wantNoError(t, s.CreatePlan(t.Context(), planNamed("with receipt"), nil, &engine.Receipt{Key: "k", Plan: p.ID, Created: noon}))
	wantNoError(t, s.PutCached("a", []byte("b")))
	wantNoError(t, s.SetLever(t.Context(), engine.Lever{Reason: "none"}))
	sum := sha256.Sum256(nil)
	wantNoError(t, s.AddKey(t.Context(), access.Key{ID: "abcdefgh2345", Name: "k", Role: access.Viewer, Hash: sum[:], Created: noon}))
	for range 3 {
		_, err := s.AppendAudit(t.Context(), audit.Entry{At: noon, Who: "w", Action: "a", Outcome: audit.OK})
		wantNoError(t, err)
	}
	check(t, s)
	wantNoError(t, s.Close())
}

// tamper changes a file behind the store's back.
func tamper(t *testing.T, path string, fn func(*txn) error) {
	t.Helper()
	wantNoError(t, alter(path, func(tx *bbolt.Tx) error { return fn(&txn{tx: tx}) }))
}

// TestCheckFindsWhatIsAmiss takes each key out of each bucket, and adds one to
// each, and wants it found.
func TestCheckFindsWhatIsAmiss(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "cme.db")
	furnish(t, whole)
	content := must(os.ReadFile(whole))
	for b, name := range bucketNames {
		b := bucket(b)
		var keys [][]byte
		tamper(t, whole, func(tx *txn) error { keys = tx.keys(b, nil, 0); return nil })
		if b != bucketGarbage && len(keys) == 0 {
			t.Errorf("there is nothing in %s to be found", name)
		}
		changes := map[string]func(*txn) error{}
		for _, key := range keys {
			// What is not there says nothing of what should be.
			if b == bucketCache || b == bucketAccessKeys || b == bucketRuns || b == bucketLogs ||
				b == bucketMeta && slices.Contains([]string{"lever", "probe", "history_since"}, string(key)) || b == bucketAudit && last(keys, key) {
				continue
			}
			changes["without "+string(key)] = func(tx *txn) error { return tx.remove(b, key) }
		}
		if b != bucketCache && b != bucketMeta {
			changes["with one more"] = func(tx *txn) error { return tx.put(b, []byte("one more, of a length of thirty"), present) }
			changes["with something else"] = func(tx *txn) error {
				return tx.put(b, append([]byte{0}, make([]byte, idLength)...), []byte(`{"x":[]}`))
			}
		}
		for what, change := range changes {
			path := filepath.Join(t.TempDir(), "cme.db")
			wantNoError(t, os.WriteFile(path, content, 0o600))
			tamper(t, path, change)
			report, err := Check(t.Context(), path, nil)
			if err == nil && report.Whole() {
				t.Errorf("%s %q is taken for whole", name, what)
			}
		}
	}
}

func last(keys [][]byte, key []byte) bool { return string(keys[len(keys)-1]) == string(key) }

// TestCheckFindsWrongRecords changes what the records say.
func TestCheckFindsWrongRecords(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "cme.db")
	furnish(t, whole)
	content := must(os.ReadFile(whole))
	for name, c := range map[string]struct {
		b        bucket
		old, now string
		find     string
	}{
		"another state":           {bucketExecutors, `"succeeded"`, `"failed"`, "executors by state"},
		"no state":                {bucketExecutors, `"succeeded"`, `"asleep"`, "is not a state"},
		"another undo":            {bucketExecutors, `"undo":"open"`, `"undo":"none"`, "its records say"},
		"another due":             {bucketExecutors, `12:00:02Z`, `12:00:03Z`, "the index executor_index lacks"},
		"another plan's counts":   {bucketCounts, `"total":3`, `"total":4`, "its executors make"},
		"an end that is not":      {bucketCounts, `"pending":2`, `"ended":"2026-01-01T00:00:00Z","pending":2`, "and ended"},
		"a beginning of nothing":  {bucketMeta, `"20`, `"x20`, "the beginning of the history"},
		"totals":                  {bucketMeta, `"running":1`, `"running":2`, "executors by state"},
		"undo totals":             {bucketMeta, `{"open":2}`, `{"open":3}`, "undo records are counted"},
		"a tally":                 {bucketUndoTallies, `{"open":2}`, `{"open":1}`, "are counted as"},
		"a record's state":        {bucketUndos, `"open"`, `"kept"`, "undo_index lacks"},
		"a record with document":  {bucketUndos, `"state"`, `"record":{},"state"`, "with its document"},
		"a document":              {bucketUndoDocuments, `{"node"`, `("node"`, "is not JSON"},
		"a plan that is no JSON":  {bucketPlans, `{"id"`, `["id"`, "plans "},
		"a receipt's time":        {bucketReceipts, `12:00`, `12:01`, "receipts_by_time lacks"},
		"a run of somebody else":  {bucketRuns, `"executor":"`, `"executor":"0`, "is stored under"},
		"a log that is no JSON":   {bucketLogs, `{`, `[`, "logs "},
		"a key's role":            {bucketAccessKeys, `"viewer"`, `"deity"`, "API key"},
		"an audit entry":          {bucketAudit, `"who":"w"`, `"who":"me"`, "the audit is broken: entry 1 is not what it was"},
		"the lever":               {bucketMeta, `{"engaged"`, `["engaged"`, "the lever"},
		"an index with a value":   {bucketOpenPlans, "\x01", "\x02", "has a value"},
		"an id that is not there": {bucketMeta, "", "", "the store's id"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cme.db")
			wantNoError(t, os.WriteFile(path, content, 0o600))
			tamper(t, path, func(tx *txn) error {
				if c.old == "" {
					return tx.put(bucketMeta, metaID, []byte("not an id"))
				}
				return replaceIn(tx, c.b, c.old, c.now)
			})
			report, err := Check(t.Context(), path, nil)
			wantNoError(t, err)
			if !strings.Contains(strings.Join(report.Findings, "\n"), c.find) {
				t.Errorf("found %q, want %q", report.Findings, c.find)
			}
		})
	}
}

// replaceIn replaces a text in the first value of a bucket that has it.
func replaceIn(tx *txn, b bucket, old, now string) error {
	for _, key := range tx.keys(b, nil, 0) {
		if value := string(tx.get(b, key)); strings.Contains(value, old) {
			return tx.put(b, key, []byte(strings.Replace(value, old, now, 1)))
		}
	}
	return errors.New("no value has " + old)
}

// rootPage is the number of a bucket's first page.
func rootPage(t *testing.T, path string, b bucket) (page int) {
	t.Helper()
	tamper(t, path, func(tx *txn) error {
		page = int(tx.bucket(b).Root())
		return nil
	})
	if page == 0 {
		t.Fatalf("%s has no page of its own", bucketNames[b])
	}
	return page
}

// TestCheckSurvivesDamage writes over each page of a file, with zeros, with noise,
// and with numbers that point to nowhere: whatever is found, checking comes to an
// end, and what is taken for whole can be read.
func TestCheckSurvivesDamage(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, whole, WithReserve(0))
	for range 40 {
		_, executors := stored(t, s, engine.Scheduled, engine.Running)
		wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[1], 1), 0))
	}
	data := must(s.room.size())
	wantNoError(t, s.Close())
	content := must(os.ReadFile(whole))[:data]
	random, page := rand.New(rand.NewPCG(1, 2)), os.Getpagesize()
	found := 0
	for at := 0; at < len(content); at += page {
		for kind, damage := range map[string]func([]byte){
			"zeros":  func(p []byte) { clear(p) },
			"noise":  func(p []byte) { fillRandom(random, p) },
			"header": func(p []byte) { fillRandom(random, p[8:16]) },
			"nowhere": func(p []byte) { // a page number, or lengths, of the first entries
				binary.NativeEndian.PutUint64(p[24:], 1<<60+uint64(at))
				binary.NativeEndian.PutUint64(p[40:], 1<<60)
			},
			"a flipped bit": func(p []byte) { p[16+random.IntN(200)] ^= 1 << random.IntN(8) },
		} {
			path := filepath.Join(t.TempDir(), "cme.db")
			damaged := slices.Clone(content)
			damage(damaged[at : at+page])
			wantNoError(t, os.WriteFile(path, damaged, 0o600))
			report, err := Check(t.Context(), path, nil)
			if err != nil || !report.Whole() {
				found++
				continue
			}
			s, err := Open(path)
			if err != nil {
				t.Errorf("page %d, %s: taken for whole, and then: %v", at/page, kind, err)
				continue
			}
			check(t, s)
			wantNoError(t, s.Close())
		}
	}
	if found < len(content)/page*2 {
		t.Errorf("of %d pages damaged in five ways, only %d were found", len(content)/page, found)
	}
}

func fillRandom(random *rand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(random.Uint32())
	}
}

func TestCheckWhileItIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	start := time.Now()
	if _, err := Check(t.Context(), path, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s to say so", took)
	}
	wantNoError(t, s.Close())
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := Check(ctx, path, nil); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got %v", err)
	}
}
