package store

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// DefaultReserve is how many bytes are reserved for urgent writes.
	DefaultReserve = 8 << 20
	// roomStep is the least the file grows by, in bytes: the fsync that goes
	// with it should be rare, and a full disk noticed soon.
	roomStep = 1 << 20
	// spareRoom is how many bytes a store must have room for that is told to take
	// writes.
	spareRoom = 256 << 10
)

// room is the space on the disk that the store's file has. The file is kept
// longer than its data, all of it allocated, so that a commit within it can't
// meet a full disk; bbolt is told how far it may go, and gives a transaction up
// that would go further before it has written anything. Of what is beyond the
// data, the reserve is for urgent writes alone, and half of it for notable ones too.
//
// Up to half of the reserve may be made up of free pages among the data: so
// there is room again for ordinary writes when plans are deleted, though the
// file does not get shorter by that.
//
// On a file system that writes changed blocks elsewhere (btrfs, ZFS), or that
// can't allocate ahead, the reserve is no promise; a full disk is then met when
// a commit writes, which fails as a whole and leaves the store as it was.
//
// Only the committer uses it, but for size, freePages and copying.
type room struct {
	db        *bbolt.DB
	file      *os.File // bbolt's own
	reserve   int64
	allocated int64 // bytes of the file that have their place on the disk
	// copying is set while a snapshot is being written: what is freed meanwhile is
	// in it, and can't be written over before it is done.
	copying atomic.Bool
}

// newRoom takes over the growing of db's file.
func newRoom(db *bbolt.DB, file *os.File, reserve int64) (*room, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	r := &room{db: db, file: file, reserve: reserve, allocated: info.Size()}
	size, err := r.size()
	if err != nil {
		return nil, err
	}
	if err := allocate(file, 0, r.allocated); err != nil {
		r.allocated = size // the rest may be a hole
	}
	// A store must open when the disk is full. What fails here fails again, and
	// is reported, with the first ordinary write.
	_ = r.replenish()
	return r, nil
}

// size is where the data ends.
func (r *room) size() (size int64, err error) {
	err = r.db.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return nil
	})
	return size, err
}

// replenish makes the reserve whole.
func (r *room) replenish() error {
	size, err := r.size()
	if err != nil {
		return err
	}
	if r.allocated-size+min(r.freePages(), r.reserve/2) >= r.reserve {
		return nil
	}
	return r.extend(size + r.reserve)
}

// wantSpare fails unless an ordinary write of some size finds room: that a few
// bytes do says little of a plan.
func (r *room) wantSpare() error {
	if r.freePages() >= spareRoom {
		return nil
	}
	size, err := r.size()
	if err != nil {
		return err
	}
	return r.extend(size + r.reserve + spareRoom)
}

// freePages is how many bytes of the data are free pages. Those that the last
// commits have freed are free with the next one, unless a snapshot shows them.
func (r *room) freePages() int64 {
	stats := r.db.Stats()
	pages := stats.FreePageN
	if !r.copying.Load() {
		pages += stats.PendingPageN
	}
	return int64(pages) * int64(r.db.Info().PageSize)
}

// bound sets how far the transaction at hand may go, which has put so many bytes
// into a file with that much data. least is the least urgency of its writes.
func (r *room) bound(size, written int64, least urgency) {
	limit := r.allocated
	switch least {
	case ordinary:
		// To extend the file now saves the transaction from being done twice;
		// if it can't be, the transaction may yet do with free pages.
		if want := size + 2*written + r.reserve; want > r.allocated {
			_ = r.extend(want)
		}
		limit = r.allocated - r.reserve
	case notable:
		limit = r.allocated - r.reserve/2
	}
	r.db.MaxSize = int(max(limit, 1)) // 0 would be no bound
}

// extend allocates the file up to the length given, or a little more.
func (r *room) extend(length int64) error {
	length = (length + roomStep - 1) / roomStep * roomStep
	if length <= r.allocated {
		return nil
	}
	if err := allocate(r.file, r.allocated, length); err != nil {
		return fmt.Errorf("allocate %d bytes: %w", length-r.allocated, err)
	}
	// The length must be as durable as what is written there.
	if err := r.file.Sync(); err != nil {
		return err
	}
	r.allocated = length
	return nil
}

// explain makes of a failed write's error one for the callers.
func (r *room) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return engine.Errorf(engine.CodeFull, "there is no room on the disk for the store %s, and nothing was stored: "+
			"make room there, or delete plans; it goes on by itself then (%w)", r.file.Name(), err)
	}
	return engine.Errorf(engine.CodeUnwritable, "the store %s can't be written; "+
		"it goes on by itself when it can (%w)", r.file.Name(), err)
}

// lengthen makes the file at least so long, without a place on the disk.
func lengthen(file *os.File, length int64) error {
	info, err := file.Stat()
	if err != nil || info.Size() >= length {
		return err
	}
	return file.Truncate(length)
}
