package store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// Compacted is what a compaction did.
type Compacted struct {
	Before int64 `json:"before"` // bytes
	After  int64 `json:"after"`
}

// compactStep bounds how many bytes are written in one transaction of a
// compaction, and with it the memory that takes.
const compactStep = 16 << 20

// Compact writes the store at path anew, without the pages that hold nothing. No
// other process may have it open: ErrInUse. The new file is made beside the old
// one, compared with it, synced, and then takes its name in one step; until then,
// and when anything fails before, the old one stays as it is. It takes as much room
// beside the file as there is in it.
func Compact(ctx context.Context, path string, progress Progress) (c Compacted, err error) {
	path = resolve(path)
	o := opening{}
	db, err := o.openToRead(path)
	if err != nil {
		return c, err
	}
	defer func() {
		if closed := db.Close(); err != nil || closed != nil {
			err = fmt.Errorf("compact the store %s: %w", path, errors.Join(err, closed))
		}
	}()
	info, err := o.file.Stat()
	if err != nil {
		return c, err
	}
	c.Before = info.Size()
	file, err := newCopy(path)
	if err != nil {
		return c, err
	}
	err = unlessDamaged(func() error { return o.compactInto(ctx, db, file, progress) })
	if err == nil {
		info, err = file.Stat()
	}
	if err != nil {
		return c, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	c.After = info.Size()
	if err := ownAs(file, path); err != nil {
		return c, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	_, err = takePlace(file, path)
	return c, err
}

func (o *opening) compactInto(ctx context.Context, db *bbolt.DB, file *os.File, progress Progress) error {
	if err := wantWhole(db, o.file); err != nil {
		return err
	}
	err := db.View(func(tx *bbolt.Tx) error {
		version, err := schemaVersion(tx)
		if err == nil && version == 0 {
			err = errors.New("there is nothing in it")
		}
		return err
	})
	if err != nil {
		return err
	}
	to, err := bbolt.Open(file.Name(), 0o600, &bbolt.Options{
		Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType, NoSync: true, NoGrowSync: true,
	})
	if err != nil {
		return err
	}
	to.AllocSize = 0
	w := rewriting{ctx: ctx, from: db, to: to, progress: progress}
	return errors.Join(w.run(), to.Close())
}

// rewriting copies the buckets of one file into an empty one.
type rewriting struct {
	ctx      context.Context //nolint:containedctx // of one call of Compact
	from, to *bbolt.DB
	progress Progress
	tx       *bbolt.Tx // of to
	pending  int64     // bytes put in it
}

func (w *rewriting) run() error {
	err := w.from.View(func(from *bbolt.Tx) (err error) {
		if w.tx, err = w.to.Begin(true); err != nil {
			return err
		}
		defer func() { _ = w.tx.Rollback() }() // after a commit it does nothing
		if err := from.ForEach(w.bucket); err != nil {
			return err
		}
		return w.tx.Commit()
	})
	if err != nil {
		return err
	}
	w.progress.tell("comparing the new file with the old one")
	return w.compare()
}

// bucket copies one bucket. Ours have none within them.
func (w *rewriting) bucket(name []byte, from *bbolt.Bucket) error {
	w.progress.tell("copying %s", name)
	if _, err := w.tx.CreateBucket(name); err != nil {
		return err
	}
	return from.ForEach(func(key, value []byte) error {
		if value == nil {
			return fmt.Errorf("there is a bucket in %s, which is not of cmed", name)
		}
		if !carried(name, key) {
			return nil
		}
		size := int64(len(key) + len(value))
		if w.pending+size > compactStep {
			if err := w.next(); err != nil {
				return err
			}
		}
		w.pending += size
		to := w.tx.Bucket(name)
		to.FillPercent = fillPercent
		return to.Put(key, value)
	})
}

// next goes on in a new transaction.
func (w *rewriting) next() error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	if err := w.tx.Commit(); err != nil {
		return err
	}
	w.pending = 0
	tx, err := w.to.Begin(true)
	if err != nil {
		return err
	}
	w.tx = tx
	return nil
}
