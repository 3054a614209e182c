package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestCondition(t *testing.T) {
	var commits atomic.Int64
	s := openAt(t, filepath.Join(t.TempDir(), "cme.db"), WithReserve(1<<20), WithCommitObserver(func(took time.Duration) {
		if took <= 0 {
			t.Errorf("a commit took %s", took)
		}
		commits.Add(1)
	}))
	empty, err := s.Condition()
	wantNoError(t, err)
	if empty.Size < 1<<20 || empty.Free < 1<<20 || empty.Free >= empty.Size || empty.DiskFree < 1 || empty.Unwritable != nil || empty.SlowCommits != 0 {
		t.Errorf("before any write: %+v", empty)
	}
	p, _ := stored(t, s, make([]engine.State, 0)...)
	for range 20 {
		stored(t, s, engine.Succeeded, engine.Succeeded)
	}
	full, err := s.Condition()
	wantNoError(t, err)
	if full.SlowCommits <= 0 || commits.Load() != 21 || full.Free >= full.Size {
		t.Errorf("after %d commits: %+v", commits.Load(), full)
	}
	wantNoError(t, s.DeletePlan(t.Context(), p.ID))
	wantNoError(t, s.Writable(t.Context()))
}

// TestWritableTriesSeldom counts the commits that asking makes.
func TestWritableTriesSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		commits := 0
		s, err := Open(filepath.Join(t.TempDir(), "cme.db"), WithCommitObserver(func(time.Duration) { commits++ }))
		wantNoError(t, err)
		defer func() { wantNoError(t, s.Close()) }()
		stored(t, s, engine.Scheduled)
		commits = 0
		for range 600 { // ten minutes
			wantNoError(t, s.Writable(t.Context()))
			time.Sleep(time.Second)
		}
		if commits < 9 || commits > 10 {
			t.Errorf("%d commits in ten minutes of asking each second", commits)
		}

		broken := engine.Errorf(engine.CodeUnwritable, "the disk is gone")
		s.trouble.set(broken)
		if err := s.Writable(t.Context()); !errors.Is(err, broken) {
			t.Errorf("right after a write failed: %v", err)
		}
		time.Sleep(probePause)
		wantNoError(t, s.Writable(t.Context()))
		c, err := s.Condition()
		wantNoError(t, err)
		if c.Unwritable != nil {
			t.Errorf("it works again, and yet: %v", c.Unwritable)
		}
	})
}

// TestWritableDoesNotWaitForADiskThatHangs has a commit under way that does not
// end.
func TestWritableDoesNotWaitForADiskThatHangs(t *testing.T) {
	s := openStore(t)
	hangs, released := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- s.update(context.WithoutCancel(t.Context()), ordinary, 1, func(*txn) error {
			close(hangs)
			<-released
			return nil
		})
	}()
	<-hangs
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantCode(t, s.Writable(ctx), engine.CodeUnwritable)
	wantCode(t, s.Writable(t.Context()), engine.CodeUnwritable) // who asks next is told so at once
	condition, err := s.Condition()
	wantNoError(t, err)
	wantCode(t, condition.Unwritable, engine.CodeUnwritable)
	_, err = s.AppendAudit(ctx, audit.Entry{At: noon, Outcome: audit.OK})
	wantCode(t, err, engine.CodeUnwritable)
	close(released)
	wantNoError(t, <-done)
	stored(t, s, engine.Scheduled)
	wantNoError(t, s.Writable(t.Context()))
	check(t, s)
}

func TestCommitTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c commitTimes
		commit := func(took time.Duration) {
			c.began()
			time.Sleep(took)
			if got := c.ended(); got != took {
				t.Errorf("took %s, it says %s", took, got)
			}
		}
		want := func(what string, want time.Duration) {
			t.Helper()
			if got := c.percentile(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		want("of nothing", 0)
		commit(time.Second)
		want("of one", time.Second)
		for range 197 {
			commit(time.Millisecond)
		}
		commit(1500 * time.Millisecond)
		commit(2 * time.Second)
		want("three of 200 are slow", time.Second)
		time.Sleep(59 * time.Second)
		want("the others are older than a minute", 2*time.Second)
		c.began()
		time.Sleep(3 * time.Second)
		want("of one under way", 3*time.Second)
		c.ended()
		time.Sleep(time.Minute)
		want("of an idle minute", 0)
		for range 3 * commitsKept {
			commit(time.Microsecond)
		}
		if len(c.list) > commitsKept {
			t.Errorf("%d are remembered", len(c.list))
		}
	})
}
