package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestCompact(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "cme.db")
	s := openAt(t, path)
	var plans []engine.PlanID
	for i := range 200 {
		p, executors := stored(t, s, engine.Succeeded, engine.Failed)
		wantNoError(t, s.SaveRun(t.Context(), engine.Run{Executor: executors[0].ID}, lines(strings.Repeat("x", 4000))))
		if i%20 > 0 {
			wantNoError(t, s.DeletePlan(t.Context(), p.ID))
		} else {
			plans = append([]engine.PlanID{p.ID}, plans...)
		}
	}
	id := s.ID()
	if _, err := Compact(t.Context(), path, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("of a store that is open: %v", err)
	}
	wantNoError(t, s.Close())
	before := must(os.Stat(path)).Size()
	c, err := Compact(t.Context(), path, nil)
	wantNoError(t, err)
	after := must(os.Stat(path))
	if c.Before != before || c.After != after.Size() || c.After > before/4 || after.Mode().Perm() != 0o600 {
		t.Errorf("from %d to %d bytes, it says %+v, %s", before, after.Size(), c, after.Mode())
	}
	wantSame(t, "files", namesIn(t, folder), []string{"cme.db"})
	s = openAt(t, path)
	check(t, s)
	wantSame(t, "id", s.ID(), id)
	wantSame(t, "plans", allPlans(t, s, engine.PlanQuery{All: true, Limit: 9}), plans)
	stored(t, s, engine.Scheduled)
	check(t, s)
}

// TestACompactionThatFails wants the file as it was, whatever goes wrong.
func TestACompactionThatFails(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "cme.db")
	furnish(t, whole)
	content := must(os.ReadFile(whole))
	page := os.Getpagesize()
	root := rootPage(t, whole, bucketExecutorIndex)
	damaged := append([]byte{}, content...)
	clear(damaged[root*page : (root+1)*page])
	stop := errors.New("stop")
	for name, c := range map[string]struct {
		content []byte
		ctx     func() context.Context
		want    string
	}{
		"damage": {damaged, t.Context, "damaged"},
		"interruption": {content, func() context.Context {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(stop)
			return ctx
		}, "stop"},
		"another file": {[]byte(strings.Repeat("not a store ", 1000)), t.Context, "not a store of cmed"},
		"an empty one": {nil, t.Context, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "cme.db")
			wantNoError(t, os.WriteFile(path, c.content, 0o600))
			_, err := Compact(c.ctx(), path, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			wantSame(t, "files", namesIn(t, folder), []string{"cme.db"})
			if string(must(os.ReadFile(path))) != string(c.content) {
				t.Error("the file is another")
			}
		})
	}
}

// TestTheComparisonFindsADifference is what keeps a compaction from taking the
// place of a file with less in it.
func TestTheComparisonFindsADifference(t *testing.T) {
	one, other := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "other")
	furnish(t, one)
	wantNoError(t, os.WriteFile(other, must(os.ReadFile(one)), 0o600))
	compare := func() error {
		var a, b opening
		from, err := a.openToRead(one)
		wantNoError(t, err)
		to, err := b.openToRead(other)
		wantNoError(t, err)
		w := rewriting{ctx: t.Context(), from: from, to: to}
		return errors.Join(w.compare(), from.Close(), to.Close())
	}
	wantNoError(t, compare())
	for name, change := range map[string]func(*txn) error{
		"less":  func(tx *txn) error { return tx.remove(bucketCache, []byte("a")) },
		"more":  func(tx *txn) error { return tx.put(bucketCache, []byte("z"), present) },
		"other": func(tx *txn) error { return tx.put(bucketCache, []byte("a"), present) },
		"no bucket": func(tx *txn) error {
			return tx.tx.DeleteBucket([]byte(bucketNames[bucketCache]))
		},
	} {
		wantNoError(t, os.WriteFile(other, must(os.ReadFile(one)), 0o600))
		tamper(t, other, change)
		if err := compare(); err == nil {
			t.Errorf("%s: no difference is found", name)
		}
	}
}
