package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestWhatAFailedWriteIsCalled(t *testing.T) {
	s := openStore(t)
	for cause, want := range map[error]engine.Code{
		syscall.ENOSPC: engine.CodeFull,
		syscall.EDQUOT: engine.CodeFull,
		syscall.EROFS:  engine.CodeUnwritable,
		syscall.EIO:    engine.CodeUnwritable,
	} {
		err := s.room.explain(fmt.Errorf("commit: %w", &fs.PathError{Op: "write", Path: "cme.db", Err: cause}))
		wantCode(t, err, want)
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), s.db.Path()) {
			t.Errorf("it says %v", err)
		}
	}
}

// TestTheFileGrowsAheadOfItsData compares the file with its data while that
// grows, by small writes and by one that is larger than a step.
func TestTheFileGrowsAheadOfItsData(t *testing.T) {
	s := openStore(t)
	ahead := func() {
		t.Helper()
		size, err := s.room.size()
		wantNoError(t, err)
		info, err := s.room.file.Stat()
		wantNoError(t, err)
		if info.Size() < s.room.allocated || s.room.allocated < size+s.room.reserve {
			t.Errorf("the file is %d bytes long, %d of them allocated, with %d of data", info.Size(), s.room.allocated, size)
		}
		if s.room.allocated > size+s.room.reserve+16<<20 {
			t.Errorf("%d bytes are allocated for %d of data", s.room.allocated, size)
		}
	}
	ahead()
	for i := range 40 {
		wantNoError(t, s.PutCached(fmt.Sprint(i), make([]byte, 100<<10)))
		ahead()
	}
	wantNoError(t, s.PutCached("large", make([]byte, 5<<20)))
	ahead()
	check(t, s)
}
