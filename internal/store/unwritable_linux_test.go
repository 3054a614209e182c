package store

import (
	"os"
	"syscall"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// swapped makes another file of the store's descriptor, as though its file
// system had become so, until restore is called.
func swapped(t *testing.T, s *Store, path string, flag int) (restore func()) {
	t.Helper()
	other, err := os.OpenFile(path, flag, 0)
	wantNoError(t, err)
	own := int(s.room.file.Fd())
	kept, err := syscall.Dup(own)
	wantNoError(t, err)
	wantNoError(t, syscall.Dup3(int(other.Fd()), own, syscall.O_CLOEXEC))
	wantNoError(t, other.Close())
	return func() {
		wantNoError(t, syscall.Dup3(kept, own, syscall.O_CLOEXEC))
		wantNoError(t, syscall.Close(kept))
	}
}

func TestAStoreThatCannotBeWritten(t *testing.T) {
	for name, c := range map[string]struct {
		path string // "": its own
		flag int
		want engine.Code
	}{
		"for a time it is read-only": {flag: os.O_RDONLY, want: engine.CodeUnwritable},
		// What a file system does that writes changed blocks elsewhere.
		"a disk is full though the file is allocated": {path: "/dev/full", flag: os.O_RDWR, want: engine.CodeFull},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t)
			p, executors := stored(t, s, engine.Running)
			wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[0], 1), 0))
			for range 20 { // so that there are free pages to be written
				wantNoError(t, s.SetLever(t.Context(), engine.Lever{Engaged: true}))
			}
			path := c.path
			if path == "" {
				path = s.db.Path()
			}
			restore := swapped(t, s, path, c.flag)
			for range 3 {
				_, err := s.UpdateUndo(t.Context(), recordOf(executors[0], 1).UndoID, func(r *engine.UndoRecord) error {
					r.State = engine.RecordUndone
					return nil
				})
				wantCode(t, err, c.want)
				wantCode(t, s.SetLever(t.Context(), engine.Lever{}), c.want)
				wantCode(t, s.AppendLog(t.Context(), executors[0].ID, lines("lost")), c.want)
				_, err = s.FinishRun(t.Context(), engine.Finish{ID: executors[0].ID, Apply: to(engine.Failed)})
				wantCode(t, err, c.want)
			}
			restore()
			lever, err := s.Lever(t.Context())
			if err != nil || !lever.Engaged {
				t.Errorf("the lever is %+v, %v", lever, err)
			}
			check(t, s)
			_, err = s.FinishRun(t.Context(), engine.Finish{ID: executors[0].ID, Apply: to(engine.Failed), Log: lines("kept")})
			wantNoError(t, err)
			stored(t, s, engine.Scheduled)
			wantNoError(t, s.DeletePlan(t.Context(), p.ID))
			check(t, s)
		})
	}
}
