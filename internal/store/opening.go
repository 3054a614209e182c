package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockTimeout bounds the wait for another process to let go of the file.
const lockTimeout = time.Second

// opening is a store being opened.
type opening struct {
	reserve int64
	observe func(time.Duration)
	file    *os.File // the store's, as bbolt has opened it
	toRead  bool     // nothing is to be written
}

// open has bbolt open the file. Another one may take its place while the lock is
// waited for, by a compaction or a restoration; then that is opened.
func (o *opening) open(path string) (*bbolt.DB, error) {
	for range 3 {
		db, err := o.openNow(path)
		if err != nil {
			return nil, err
		}
		named, err := o.isStill(path)
		if named {
			return db, nil
		}
		if err := errors.Join(err, db.Close()); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("its file is replaced all the time")
}

// isStill says whether the file that is open is the one that path names.
func (o *opening) isStill(path string) (bool, error) {
	own, err := o.file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return false, err
	}
	return os.SameFile(own, there), nil
}

// openNow is open of the file that is there now. A damaged one can make bbolt
// panic, and one that was cut short makes it read where nothing is; either is an
// error here.
func (o *opening) openNow(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if value := recover(); value != nil {
			// What bbolt has mapped stays, and would keep the lock.
			unlock := syscall.Flock(int(o.file.Fd()), syscall.LOCK_UN)
			db, err = nil, errors.Join(fmt.Errorf("%w: %v", bolterrors.ErrInvalid, value), unlock, o.file.Close())
		}
	}()
	open := o.openFile
	if o.toRead {
		open = o.openReadOnly
	}
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		OpenFile:        open,
		InitialMmapSize: mappedAhead(path),
	})
	if err == nil {
		db.AllocSize = 0 // the file gets as long as it must, to the page
	}
	return db, err
}

// openFile opens or makes the file. One that is still empty gets room for its
// first pages: on a full disk it must not be left with some of them.
func (o *opening) openFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flag, mode) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() == 0 {
		err = promise(file, firstPages*int64(os.Getpagesize()))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make room for a new file: %w", err), file.Close())
	}
	o.file = file
	return file, nil
}

// mapStep is how many bytes beyond the file are mapped, which takes address
// space and nothing else. To map more, bbolt waits for the read transactions
// under way and has new ones wait: a snapshot of a large store is a long one, and
// due runs must not wait for its end.
const mapStep = 4 << 30

// mappedAhead is how much of a file to map.
func mappedAhead(path string) int {
	if strconv.IntSize < 64 {
		return 0
	}
	info, err := os.Stat(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return mapStep
	}
	return int(info.Size()) + mapStep
}

// firstPages is how many pages bbolt writes into an empty file.
const firstPages = 4

// wantWhole fails when the file is shorter than its data.
func wantWhole(db *bbolt.DB, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("it is damaged: cut short, %d bytes of %d are there", info.Size(), tx.Size())
		}
		return nil
	})
}

// unlessDamaged calls what reads. bbolt panics at a page that is not what it
// should be; that is an error here.
func unlessDamaged(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the store is damaged: %v", value)
		}
	}()
	return read()
}

// inspect says whether the file at path is still to be made.
func inspect(path string) (fresh bool, err error) {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) { //nolint:gosec // the operator's own choice
		return false, fmt.Errorf("open the store %s: the folder %s does not exist; create it first", path, folder)
	}
	info, err := os.Stat(path) //nolint:gosec // the operator's own choice
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("open the store: %w", err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("open the store %s: it is not a regular file", path)
	}
	return false, nil
}

func explainOpen(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open the store %s: %w; stop that one, or use another file", path, ErrInUse)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("open the store: %w; cmed must be able to write there: take another file with --database-uri", err)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch),
		errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("open the store %s: it is not a store of cmed, or it is damaged: %w", path, err)
	default:
		return fmt.Errorf("open the store %s: %w", path, err)
	}
}
