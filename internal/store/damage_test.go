package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// bytesOfAStore returns the file of a closed store with some content.
func bytesOfAStore(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cme.db")
	s, err := Open(path, WithReserve(0))
	wantNoError(t, err)
	for range 5 {
		_, executors := stored(t, s, engine.Scheduled, engine.Running, engine.Succeeded)
		wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[1], 1), 0))
		wantNoError(t, s.AppendLog(t.Context(), executors[1].ID, lines("a", "b")))
	}
	wantNoError(t, s.Close())
	text, err := os.ReadFile(path)
	wantNoError(t, err)
	return text
}

// TestADamagedPageIsAnErrorOfOpen zeroes one page after the other, as a torn copy
// has it.
func TestADamagedPageIsAnErrorOfOpen(t *testing.T) {
	text := bytesOfAStore(t)
	size := os.Getpagesize()
	panics := 0
	for page := 2; page < min(len(text)/size, 200); page++ {
		torn := append([]byte{}, text...)
		clear(torn[page*size : (page+1)*size])
		path := filepath.Join(t.TempDir(), "torn.db")
		wantNoError(t, os.WriteFile(path, torn, 0o600))
		func() {
			defer func() {
				if v := recover(); v != nil {
					panics++
					if panics < 4 {
						t.Errorf("page %d is torn: Open panics: %v", page, v)
					}
				}
			}()
			begun := time.Now()
			s, err := Open(path, WithReserve(0))
			if err == nil {
				wantNoError(t, s.Close())
			}
			if d := time.Since(begun); d > 5*time.Second {
				t.Errorf("page %d: %s", page, d)
			}
		}()
	}
	if panics > 0 {
		t.Error(fmt.Sprint(panics, " pages make Open panic"))
	}
}

// TestADamagedPageMetLaterIsAnError reads and writes what is left of such a store.
func TestADamagedPageMetLaterIsAnError(t *testing.T) {
	text := bytesOfAStore(t)
	size := os.Getpagesize()
	for page := 2; page < min(len(text)/size, 200); page++ {
		torn := append([]byte{}, text...)
		clear(torn[page*size : (page+1)*size])
		path := filepath.Join(t.TempDir(), "torn.db")
		wantNoError(t, os.WriteFile(path, torn, 0o600))
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("page %d is torn: a call panics: %.200v", page, v)
				}
			}()
			s, err := Open(path, WithReserve(0))
			if err != nil {
				return
			}
			_, _ = s.Due(t.Context(), at(10), 0, nil)
			_, _, _ = s.Executors(t.Context(), engine.ExecutorQuery{})
			_, _ = s.NextUndo(t.Context(), nil)
			_, _, _ = s.UndoRecords(t.Context(), engine.UndoQuery{})
			_ = s.SetLever(t.Context(), engine.Lever{Engaged: true})
			p := planNamed("one more")
			_ = s.CreatePlan(t.Context(), p, []engine.Executor{executorOf(p, engine.Missed, noon)}, nil)
			_ = s.Close()
		}()
	}
}

// TestADamagedFreelistDoesNotEndTheDaemon has the list of free pages name one that
// is in use, as when pages of two copies are mixed. bbolt notices in a commit.
func TestADamagedFreelistDoesNotEndTheDaemon(t *testing.T) {
	if path := os.Getenv("STORE_TEST_FREELIST"); path != "" {
		s, err := Open(path, WithReserve(0))
		if err != nil {
			fmt.Println("refused:", err)
			return
		}
		fmt.Println("lever:", s.SetLever(t.Context(), engine.Lever{Engaged: true}))
		fmt.Println("plan:", s.CreatePlan(t.Context(), planNamed("x"), nil, nil))
		fmt.Println("survived", s.Close())
		return
	}
	text := bytesOfAStore(t)
	size := os.Getpagesize()
	word := func(off int) uint64 { return binary.LittleEndian.Uint64(text[off:]) }
	meta := 16
	if word(size+16+48) > word(16+48) {
		meta = size + 16
	}
	freelist := int(word(meta + 32))
	free := map[uint64]bool{}
	for i := range int(binary.LittleEndian.Uint16(text[freelist*size+10:])) {
		free[word(freelist*size+16+8*i)] = true
	}
	for page := uint64(2); page < word(meta+40); page++ {
		if kind := binary.LittleEndian.Uint16(text[int(page)*size+8:]); free[page] || kind != 1 && kind != 2 {
			continue
		}
		mixed := append([]byte{}, text...)
		binary.LittleEndian.PutUint64(mixed[freelist*size+16:], page)
		path := filepath.Join(t.TempDir(), "mixed.db")
		wantNoError(t, os.WriteFile(path, mixed, 0o600))
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestADamagedFreelistDoesNotEndTheDaemon$", "-test.timeout", "20s")
		cmd.Env = append(os.Environ(), "STORE_TEST_FREELIST="+path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("with page %d in use and free the process dies: %v\n%.400s", page, err, out)
		} else {
			t.Logf("%d: %.300s", page, out)
		}
	}
}
