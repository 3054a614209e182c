package store

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// schemaTwo puts a file at path that cmed wrote when its schema version was 2:
// plans with executors in every state, undo records in every state, a run, a log,
// receipts, and a plan that was deleted with a record left. Its times are those of
// noon.
func schemaTwo(t *testing.T, path string) {
	t.Helper()
	packed, err := os.Open("testdata/schema2.db.gz")
	wantNoError(t, err)
	defer func() { wantNoError(t, packed.Close()) }()
	content, err := gzip.NewReader(packed)
	wantNoError(t, err)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	wantNoError(t, err)
	_, err = io.Copy(file, content)
	wantNoError(t, err)
	wantNoError(t, file.Close())
}

func TestAStoreOfVersionTwo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	schemaTwo(t, path)
	report, err := Check(t.Context(), path, nil)
	wantNoError(t, err)
	wantSame(t, "findings before the migration", report.Findings, []string{})
	wantSame(t, "schema", report.Schema, 2)

	began := time.Now()
	s := openAt(t, path)
	check(t, s)
	counts, err := s.ExecutorCounts(t.Context())
	wantNoError(t, err)
	want := map[engine.State]int{}
	for _, state := range engine.States {
		want[state] = 1
	}
	want[engine.Succeeded] += 4
	want[engine.Failed] += 2
	want[engine.Missed]++
	want[engine.Scheduled]++
	wantSame(t, "executors by state", counts, want)
	wantEnded(t, s, map[string]time.Time{
		"ended":             noon.Add(2*time.Hour + time.Minute),
		"without executors": noon,
		"undone":            noon.Add(30 * time.Hour),
		"kept":              noon.Add(time.Minute),
	})
	pruned, err := s.PruneHistory(t.Context(), began, 100, byHistory)
	wantNoError(t, err)
	wantSame(t, "deleted right after the migration", pruned, engine.Pruned{})
	all, _ := pruneAll(t, s, time.Now(), 100)
	wantSame(t, "deleted when that is long enough ago", len(all.Plans), 4)
	lever, err := s.Lever(t.Context())
	wantNoError(t, err)
	if lever.Engaged || lever.By != "alice" {
		t.Errorf("the lever is %+v", lever)
	}
}

// wantEnded compares the history with when plans of these names ended.
func wantEnded(t *testing.T, s *Store, want map[string]time.Time) {
	t.Helper()
	got := map[string]time.Time{}
	wantNoError(t, s.view(t.Context(), func(tx *txn) error {
		for ended, key := range tx.dueIndex(bucketHistory, nil) {
			p, err := tx.planAt(key)
			if err != nil {
				return err
			}
			got[p.Name] = ended
		}
		return nil
	}))
	wantSame(t, "history", got, want)
}

// TestTheNextVersionTakesABackup restores a copy that the daemon of version 2
// could have been given by hand, and one that this version makes of its store.
func TestTheNextVersionTakesABackup(t *testing.T) {
	folder := t.TempDir()
	old := filepath.Join(folder, "old.db")
	schemaTwo(t, old)
	before, err := os.ReadFile(old)
	wantNoError(t, err)
	made := filepath.Join(folder, "made.backup")
	at, err := Backup(t.Context(), old, made, nil)
	wantNoError(t, err)
	for name, c := range map[string]struct {
		from   string
		marked bool
	}{"the file itself": {old, false}, "a backup of it": {made, true}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cme.db")
			restored, err := Restore(t.Context(), Restoration{Backup: c.from, Path: path, By: "alice"}, nil)
			wantNoError(t, err)
			if restored.Marked != c.marked || c.marked && !restored.Backup.Equal(at) || restored.Report.Schema != 2 {
				t.Errorf("restored %+v, made at %s", restored, at)
			}
			s := openAt(t, path)
			check(t, s)
			wantRestoredLever(t, s, restored.Backup)
			plans := allPlans(t, s, engine.PlanQuery{All: true, Limit: 9})
			wantSame(t, "plans", len(plans), 7)
		})
	}
	after, err := os.ReadFile(old)
	wantNoError(t, err)
	if string(before) != string(after) {
		t.Error("the file that was backed up is another")
	}
}
