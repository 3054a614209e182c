package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// A copy of a store is a store of its own: bbolt's pages as they were at one
// instant, and then one more transaction, which engages the lever and notes when
// the copy was made. So whoever puts a copy in a store's place, by whatever
// means, gets a daemon that starts nothing by itself, and deletes nothing at first.

// backupMark is what a copy says of itself.
type backupMark struct {
	At time.Time `json:"at"`
	// Transaction is the number of the transaction that wrote this. In a store
	// that has gone on since, it is not the last one.
	Transaction int `json:"transaction"`
}

// restorer is who engages the lever of a copy.
const restorer = "restore"

// engagedThen leads from why a copy's lever is engaged to why the original's was.
const engagedThen = "; the lever was engaged then, by "

// copyStep is how many bytes of a copy are written before they are synced, so
// that the fsync of a commit never has much of a copy to wait for.
const copyStep = 8 << 20

// writeCopy writes the store, as the transaction sees it, to a file.
func writeCopy(ctx context.Context, tx *bbolt.Tx, file *os.File, progress Progress) error {
	w := &copyWriter{ctx: ctx, file: file, size: tx.Size(), progress: progress}
	if _, err := tx.WriteTo(w); err != nil {
		return err
	}
	return file.Sync()
}

// copyWriter writes in steps and stops when its context ends.
type copyWriter struct {
	ctx             context.Context //nolint:containedctx // of one call of writeCopy
	file            *os.File
	size            int64
	written, synced int64
	progress        Progress
}

func (w *copyWriter) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	n, err := w.file.Write(p)
	w.written += int64(n)
	if err == nil && w.written-w.synced >= copyStep {
		w.synced = w.written
		w.progress.tell("copied %d of %d MiB", w.written>>20, w.size>>20)
		err = w.file.Sync()
	}
	return n, err
}

// markCopy makes a copy one, durably: see the comment above.
func markCopy(path string, at time.Time) error {
	return alter(path, func(tx *bbolt.Tx) error {
		t := &txn{tx: tx}
		if err := t.engageForRestore(at); err != nil {
			return err
		}
		return t.putRecord(bucketMeta, metaBackup, backupMark{At: utc(at), Transaction: tx.ID()})
	})
}

// engageForRestore engages the lever in words that tell what the store is a copy
// of.
func (t *txn) engageForRestore(at time.Time) error {
	var before engine.Lever
	if value := t.get(bucketMeta, metaLever); value != nil {
		if err := decode(value, &before); err != nil {
			return fmt.Errorf("the lever: %w", err)
		}
	}
	reason := fmt.Sprintf("this store was restored from the backup of %s: what is due since may have run since",
		at.UTC().Format(time.RFC3339))
	_, earlier, told := strings.Cut(before.Reason, engagedThen)
	switch {
	case before.Engaged && before.By != restorer:
		reason += fmt.Sprintf("%s%s (%s)", engagedThen, before.By, before.Reason)
	case before.Engaged && told:
		reason += engagedThen + earlier
	}
	return t.putRecord(bucketMeta, metaLever, engine.Lever{
		Engaged: true, By: restorer, Reason: reason, At: utc(at), Restored: !before.Engaged || before.Restored,
		ReleasedBy: before.ReleasedBy, ReleasedAt: before.ReleasedAt,
	})
}

// adoptCopy begins the history of a copy anew that was put in a store's place by
// hand, as Restore does: what was old when it was made is not to go at once. With
// that it is no copy any more.
func adoptCopy(db *bbolt.DB) error {
	var made time.Time
	err := db.View(func(tx *bbolt.Tx) error {
		version, err := schemaVersion(tx)
		if err != nil || version == 0 {
			return err
		}
		made, err = (&txn{tx: tx}).backedUp()
		return err
	})
	if err != nil || made.IsZero() {
		return nil //nolint:nilerr // a mark that can't be read is for Check to find, and keeps no daemon from starting
	}
	return db.Update(func(tx *bbolt.Tx) error {
		return (&txn{tx: tx}).putRecord(bucketMeta, metaHistory, utc(time.Now()))
	})
}

// alter changes a file that nobody else has, in one transaction.
func alter(path string, fn func(*bbolt.Tx) error) error {
	o := opening{}
	db, err := o.open(path)
	if err != nil {
		return explainOpen(path, err)
	}
	err = unlessDamaged(func() error {
		if err := wantWhole(db, o.file); err != nil {
			return err
		}
		return db.Update(func(tx *bbolt.Tx) error {
			if version, err := schemaVersion(tx); err != nil || version == 0 {
				return errors.Join(errors.New("it is not a store of cmed"), err)
			}
			return fn(tx)
		})
	})
	return errors.Join(err, db.Close())
}

// copyFile copies a plain file.
func copyFile(ctx context.Context, to *os.File, from io.Reader, size int64, progress Progress) error {
	w := &copyWriter{ctx: ctx, file: to, size: size, progress: progress}
	if _, err := io.Copy(w, from); err != nil {
		return err
	}
	return to.Sync()
}
