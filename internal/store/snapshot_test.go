package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// TestASnapshotIsOneInstant makes snapshots while plans are stored: each plan in
// one is there whole, and none is there that was stored after it.
func TestASnapshotIsOneInstant(t *testing.T) {
	s := openStore(t)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				p, executors := stored(t, s, engine.Scheduled, engine.Running, engine.Succeeded)
				wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[1], 1), 0))
				if p.ID[31]%2 == 0 {
					_ = s.DeleteExecutor(t.Context(), executors[2].ID)
				}
			}
		})
	}
	for range 10 {
		_, executors := stored(t, s, engine.Scheduled)
		path := filepath.Join(t.TempDir(), "backup")
		snapshotTo(t, s, path)
		later, _ := stored(t, s, engine.Scheduled)
		report, err := Check(t.Context(), path, nil)
		wantNoError(t, err)
		wantSame(t, "findings", report.Findings, []string{})
		copied := openAt(t, path)
		_, err = copied.Executor(t.Context(), executors[0].ID)
		wantNoError(t, err)
		_, err = copied.Plan(t.Context(), later.ID)
		wantCode(t, err, engine.CodeNotFound)
	}
	stop()
	writers.Wait()
	check(t, s)
}

func TestASnapshotLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "cme.db")
	s := openAt(t, path)
	snapshot, err := s.Snapshot(t.Context())
	wantNoError(t, err)
	wantSame(t, "files while it is read", namesIn(t, folder), []string{"cme.db"})
	wantNoError(t, snapshot.Close())

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the client left"))
	if _, err := s.Snapshot(ctx); err == nil || !strings.Contains(err.Error(), "the client left") {
		t.Errorf("got %v", err)
	}
	s.copying <- struct{}{}
	_, err = s.Snapshot(t.Context())
	wantCode(t, err, engine.CodeBusy)
	<-s.copying
	wantNoError(t, s.Close())
	_, err = s.Snapshot(t.Context())
	wantCode(t, err, engine.CodeClosed)
	wantSame(t, "files", namesIn(t, folder), []string{"cme.db"})

	left := filepath.Join(folder, "cme.db"+copyMark+"abc")
	wantNoError(t, os.WriteFile(left, []byte("half of it"), 0o600))
	wantNoError(t, os.WriteFile(filepath.Join(folder, "other.db"+copyMark+"abc"), nil, 0o600))
	openAt(t, path)
	wantSame(t, "files after a start", namesIn(t, folder), []string{"cme.db", "other.db" + copyMark + "abc"})
}

func TestBackup(t *testing.T) {
	folder := t.TempDir()
	path, to := filepath.Join(t.TempDir(), "cme.db"), filepath.Join(folder, "backup")
	s := openAt(t, path)
	stored(t, s, engine.Scheduled)
	if _, err := Backup(t.Context(), path, to, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("of a store that is open: %v", err)
	}
	wantNoError(t, s.Close())
	at, err := Backup(t.Context(), path, to, nil)
	wantNoError(t, err)
	report, err := Check(t.Context(), to, nil)
	wantNoError(t, err)
	if !report.Whole() || !report.Backup.Equal(at) || report.Executors != 1 {
		t.Errorf("a backup of %s: %+v", at, report)
	}
	info, err := os.Stat(to)
	wantNoError(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %s", info.Mode())
	}
	if _, err := Backup(t.Context(), path, to, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if _, err := Backup(t.Context(), filepath.Join(folder, "none"), to+"2", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	wantSame(t, "files", namesIn(t, folder), []string{"backup"})
}

// TestWhatASnapshotShowsIsNoRoom: pages that are freed meanwhile can't be used.
func TestWhatASnapshotShowsIsNoRoom(t *testing.T) {
	s := openStore(t)
	large := make([]engine.State, 500)
	for i := range large {
		large[i] = engine.Succeeded
	}
	p, _ := stored(t, s, large...)
	tx, err := s.db.Begin(false)
	wantNoError(t, err)
	s.room.copying.Store(true)
	before := s.room.freePages()
	wantNoError(t, s.DeletePlan(t.Context(), p.ID))
	if after := s.room.freePages(); after > before {
		t.Errorf("%d bytes were free, and %d are when a plan was deleted", before, after)
	}
	wantNoError(t, tx.Rollback())
	s.room.copying.Store(false)
	stored(t, s, engine.Succeeded)
	if after := s.room.freePages(); after <= before {
		t.Errorf("%d bytes were free, and %d are when nothing shows them", before, after)
	}
}
