package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// wantRestoredLever wants the lever engaged by a restoration.
func wantRestoredLever(t *testing.T, s *Store, backup time.Time) {
	t.Helper()
	lever, err := s.Lever(t.Context())
	wantNoError(t, err)
	if !lever.Engaged || lever.By != "restore" || !strings.Contains(lever.Reason, "from the backup of "+backup.UTC().Format(time.RFC3339)) {
		t.Errorf("the lever of a store of %s: %+v", backup, lever)
	}
}

// snapshotTo writes a snapshot of an open store to a file.
func snapshotTo(t *testing.T, s *Store, path string) *Snapshot {
	t.Helper()
	snapshot, err := s.Snapshot(t.Context())
	wantNoError(t, err)
	content := make([]byte, snapshot.Size)
	_, err = snapshot.ReadAt(content, 0)
	wantNoError(t, err)
	wantNoError(t, snapshot.Close())
	wantNoError(t, os.WriteFile(path, content, 0o600))
	return snapshot
}

// namesIn lists a folder.
func namesIn(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	wantNoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestRestore(t *testing.T) {
	folder := t.TempDir()
	path, backup := filepath.Join(folder, "cme.db"), filepath.Join(t.TempDir(), "backup")
	s := openAt(t, path)
	p, _ := stored(t, s, engine.Scheduled, engine.Succeeded)
	wantNoError(t, s.SetLever(t.Context(), engine.Lever{Engaged: true, By: "alice", Reason: "an incident", At: noon}))
	snapshot := snapshotTo(t, s, backup)
	stored(t, s, engine.Scheduled)
	id := s.ID()

	_, err := Restore(t.Context(), Restoration{Backup: backup, Path: path, Force: true, By: "alice"}, nil)
	if !errors.Is(err, ErrInUse) {
		t.Errorf("over a store that is open: %v", err)
	}
	wantNoError(t, s.Close())
	_, err = Restore(t.Context(), Restoration{Backup: backup, Path: path, By: "alice"}, nil)
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a store, without force: %v", err)
	}
	_, err = Restore(t.Context(), Restoration{Backup: path, Path: path, Force: true, By: "alice"}, nil)
	if err == nil || !strings.Contains(err.Error(), "is the store itself") {
		t.Errorf("from itself: %v", err)
	}
	wantSame(t, "files after refusals", namesIn(t, folder), []string{"cme.db"})

	restored, err := Restore(t.Context(), Restoration{Backup: backup, Path: path, Force: true, By: "alice"}, nil)
	wantNoError(t, err)
	if !restored.Marked || !restored.Backup.Equal(snapshot.At) {
		t.Errorf("restored %+v, made at %s", restored, snapshot.At)
	}
	wantSame(t, "files", namesIn(t, folder), []string{"cme.db", filepath.Base(restored.Kept)})
	s = openAt(t, path)
	check(t, s)
	wantRestoredLever(t, s, snapshot.At)
	lever, err := s.Lever(t.Context())
	wantNoError(t, err)
	if !strings.Contains(lever.Reason, "by alice (an incident)") {
		t.Errorf("the lever that was engaged before is forgotten: %s", lever.Reason)
	}
	wantSame(t, "plans", allPlans(t, s, engine.PlanQuery{All: true, Limit: 9}), []engine.PlanID{p.ID})
	wantSame(t, "id", s.ID(), id)
	entries, err := s.Audit(t.Context(), audit.Query{})
	wantNoError(t, err)
	if len(entries) != 1 || entries[0].Who != "alice" || entries[0].Action != "restore" || entries[0].Target != backup {
		t.Errorf("the audit has %+v", entries)
	}
	kept := openAt(t, restored.Kept)
	wantSame(t, "plans of the old file", len(allPlans(t, kept, engine.PlanQuery{All: true, Limit: 9})), 2)
}

// TestACopyPutInPlaceByHandIsEngagedToo: restoring is no more than copying, for
// the lever.
func TestACopyPutInPlaceByHandIsEngagedToo(t *testing.T) {
	s := openStore(t)
	stored(t, s, engine.Scheduled)
	path := filepath.Join(t.TempDir(), "cme.db")
	snapshot := snapshotTo(t, s, path)
	copied := openAt(t, path)
	check(t, copied)
	wantRestoredLever(t, copied, snapshot.At)
	stored(t, copied, engine.Scheduled)
	wantNoError(t, copied.Close())
	report, err := Check(t.Context(), path, nil)
	wantNoError(t, err)
	if !report.Backup.IsZero() {
		t.Errorf("a store that has gone on since is told to be a backup of %s", report.Backup)
	}
}

func TestRestoreRefusesWhatIsNotWhole(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "backup")
	s := openStore(t)
	for range 50 {
		stored(t, s, engine.Scheduled, engine.Succeeded)
	}
	snapshotTo(t, s, backup)
	whole, err := os.ReadFile(backup)
	wantNoError(t, err)
	newer := filepath.Join(t.TempDir(), "newer")
	bboltFile(t, newer, "meta", "version", "99")
	page, root := os.Getpagesize(), rootPage(t, backup, bucketExecutors)
	for name, content := range map[string][]byte{
		"an empty file":       {},
		"another file":        []byte(strings.Repeat("not a store ", 1000)),
		"a file cut short":    whole[:len(whole)-page],
		"a page of zeros":     slices.Concat(whole[:root*page], make([]byte, page), whole[(root+1)*page:]),
		"another page":        slices.Concat(whole[:root*page], whole[(root-1)*page:root*page], whole[(root+1)*page:]),
		"one of a newer cmed": must(os.ReadFile(newer)),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "cme.db")
			bad := filepath.Join(t.TempDir(), "bad")
			wantNoError(t, os.WriteFile(bad, content, 0o600))
			wantNoError(t, os.WriteFile(path, []byte("what was there"), 0o600))
			restored, err := Restore(t.Context(), Restoration{Backup: bad, Path: path, Force: true, By: "alice"}, nil)
			if err == nil {
				t.Fatalf("restored: %+v", restored)
			}
			if errors.Is(err, ErrDamaged) == (restored.Report == nil || restored.Report.Whole()) {
				t.Errorf("%v, and the report %+v", err, restored.Report)
			}
			wantSame(t, "files", namesIn(t, folder), []string{"cme.db"})
			if left := must(os.ReadFile(path)); string(left) != "what was there" {
				t.Error("the file that was there is another")
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestARestorationThatIsInterrupted(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "backup")
	s := openStore(t)
	stored(t, s, engine.Scheduled)
	snapshotTo(t, s, backup)
	folder := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the operator went home")
	_, err := Restore(ctx, Restoration{Backup: backup, Path: filepath.Join(folder, "cme.db"), By: "alice"}, func(words string) {
		if words == "checking the executors" {
			cancel(why)
		}
	})
	if err != nil && !errors.Is(err, why) || err == nil {
		t.Errorf("got %v", err)
	}
	wantSame(t, "files", namesIn(t, folder), nil)
}

// TestWhoEngagedTheLeverOutlivesSeveralRestorations: it was not released since.
func TestWhoEngagedTheLeverOutlivesSeveralRestorations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	wantNoError(t, s.SetLever(t.Context(), engine.Lever{Engaged: true, By: "alice", Reason: "an incident", At: noon}))
	for range 3 {
		backup := filepath.Join(t.TempDir(), "backup")
		snapshotTo(t, s, backup)
		wantNoError(t, s.Close())
		wantNoError(t, os.Remove(path)) // not kept: the name tells seconds
		_, err := Restore(t.Context(), Restoration{Backup: backup, Path: path}, nil)
		wantNoError(t, err)
		s = openAt(t, path)
	}
	lever, err := s.Lever(t.Context())
	wantNoError(t, err)
	if strings.Count(lever.Reason, "by alice (an incident)") != 1 || strings.Count(lever.Reason, "restored from") != 1 {
		t.Errorf("the lever says %q", lever.Reason)
	}
}

// TestAStoreThatIsMadeMeanwhileIsNotReplaced: there was none to be locked.
func TestAStoreThatIsMadeMeanwhileIsNotReplaced(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "backup")
	snapshotTo(t, openStore(t), backup)
	folder := t.TempDir()
	path := filepath.Join(folder, "cme.db")
	_, err := Restore(t.Context(), Restoration{Backup: backup, Path: path, Force: true}, func(words string) {
		if words == "engaging the lever" {
			wantNoError(t, os.WriteFile(path, []byte("made meanwhile"), 0o600))
		}
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	wantFiles(t, folder, map[string]string{"cme.db": "made meanwhile"})
}

// TestADamagedBackupIsTakenOnlyOnRequest has one with an audit that somebody has
// changed.
func TestADamagedBackupIsTakenOnlyOnRequest(t *testing.T) {
	backup, path := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "cme.db")
	s := openStore(t)
	p, _ := stored(t, s, engine.Scheduled)
	for range 3 {
		_, err := s.AppendAudit(t.Context(), audit.Entry{At: noon, Who: "alice", Outcome: audit.OK})
		wantNoError(t, err)
	}
	wantNoError(t, s.update(t.Context(), urgent, 1, func(t *txn) error {
		k, _ := t.bucket(bucketAudit).Cursor().First()
		return t.put(bucketAudit, slices.Clone(k), []byte(`{"seq":1,"who":"mallory"}`))
	}))
	snapshotTo(t, s, backup)
	what := Restoration{Backup: backup, Path: path}
	if _, err := Restore(t.Context(), what, nil); !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
	what.Damaged = true
	done, err := Restore(t.Context(), what, nil)
	wantNoError(t, err)
	if done.Report.Whole() {
		t.Error("it is said to be whole")
	}
	restored := openAt(t, path)
	wantSame(t, "plans", allPlans(t, restored, engine.PlanQuery{All: true, Limit: 9}), []engine.PlanID{p.ID})
	entries, err := restored.Audit(t.Context(), audit.Query{After: 3})
	wantNoError(t, err)
	if len(entries) != 1 || !strings.HasSuffix(entries[0].Detail, "and damaged") {
		t.Errorf("the audit goes on with %+v", entries)
	}
}

// TestALeverThatCannotBeReadIsEngagedAnew: nobody could start with it.
func TestALeverThatCannotBeReadIsEngagedAnew(t *testing.T) {
	backup, path := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "cme.db")
	s := openStore(t)
	stored(t, s, engine.Scheduled)
	snapshotTo(t, s, backup)
	wantNoError(t, alter(backup, func(tx *bbolt.Tx) error {
		return (&txn{tx: tx}).put(bucketMeta, metaLever, []byte(`{"engaged":`))
	}))
	_, err := Restore(t.Context(), Restoration{Backup: backup, Path: path, Damaged: true}, nil)
	wantNoError(t, err)
	lever, err := openAt(t, path).Lever(t.Context())
	wantNoError(t, err)
	if !lever.Engaged || lever.By != restorer {
		t.Errorf("the lever is %+v", lever)
	}
}
