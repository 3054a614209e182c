package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// filled opens a store with n executors in plans of 1,000, of which one in a
// hundred is scheduled and the rest has run.
func filled(b *testing.B, path string, n int) *Store {
	b.Helper()
	s := openAt(b, path)
	for done := 0; done < n; {
		p := planNamed("filling")
		var executors []engine.Executor
		for ; done < n && len(executors) < 1000; done++ {
			state := engine.Succeeded
			if done%100 == 0 {
				state = engine.Scheduled
			}
			executors = append(executors, executorOf(p, state, at(done)))
		}
		wantNoError(b, s.CreatePlan(b.Context(), p, executors, nil))
	}
	return s
}

func BenchmarkCreatePlan(b *testing.B) {
	for _, size := range []int{1, 10, 100, 10_000} {
		for _, writers := range []int{1, 16} {
			b.Run(fmt.Sprintf("executors=%d/writers=%d", size, writers), func(b *testing.B) {
				s := openStore(b)
				var wg sync.WaitGroup
				tickets := make(chan struct{})
				for range writers {
					wg.Go(func() {
						for range tickets {
							p := planNamed("bench")
							executors := make([]engine.Executor, size)
							for i := range executors {
								executors[i] = executorOf(p, engine.Scheduled, at(i))
							}
							if err := s.CreatePlan(b.Context(), p, executors, nil); err != nil {
								b.Error(err)
							}
						}
					})
				}
				for b.Loop() {
					tickets <- struct{}{}
				}
				close(tickets)
				wg.Wait()
			})
		}
	}
}

// BenchmarkPage reads a page of 100 of each list; the first size is the limit
// to compare the others with.
func BenchmarkPage(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		s := filled(b, filepath.Join(b.TempDir(), "cme.db"), size)
		plan := newestPlan(b, s)
		for name, q := range map[string]engine.ExecutorQuery{
			"pending": {States: engine.PendingStates},
			"all":     {},
			"attack":  {Attack: "a:A"},
			"plan":    {Plan: plan},
			"from":    {From: at(size / 2)},
		} {
			b.Run(fmt.Sprintf("list=%s/stored=%d", name, size), func(b *testing.B) {
				got := 0
				for b.Loop() {
					page, _, err := s.Executors(b.Context(), q)
					wantNoError(b, err)
					got = len(page)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(max(got, 1)), "ns/executor")
			})
		}
		b.Run(fmt.Sprintf("list=plans/stored=%d", size), func(b *testing.B) {
			for b.Loop() {
				_, _, err := s.Plans(b.Context(), engine.PlanQuery{})
				wantNoError(b, err)
			}
		})
	}
}

func newestPlan(b *testing.B, s *Store) engine.PlanID {
	b.Helper()
	plans, _, err := s.Plans(b.Context(), engine.PlanQuery{All: true, Limit: 1})
	wantNoError(b, err)
	return plans[0].ID
}

func BenchmarkClaim(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("executors=%d", size), func(b *testing.B) {
			s := filled(b, filepath.Join(b.TempDir(), "cme.db"), 100*size)
			var ids []engine.ExecutorID
			due, err := s.Due(b.Context(), at(100*size), size, nil)
			wantNoError(b, err)
			ids = idsOf(due)
			if len(ids) != size {
				b.Fatalf("%d to claim, want %d", len(ids), size)
			}
			for b.Loop() {
				_, err := s.Transition(b.Context(), ids, func(e *engine.Executor) error {
					if e.State == engine.Scheduled {
						e.State = engine.Starting
					} else {
						e.State = engine.Scheduled
					}
					return nil
				})
				wantNoError(b, err)
			}
		})
	}
}

func BenchmarkNextDue(b *testing.B) {
	s := filled(b, filepath.Join(b.TempDir(), "cme.db"), 100_000)
	for b.Loop() {
		_, err := s.NextDue(b.Context(), nil)
		wantNoError(b, err)
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("stored=%d", size), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "cme.db")
			wantNoError(b, filled(b, path, size).Close())
			for b.Loop() {
				s, err := Open(path)
				wantNoError(b, err)
				wantNoError(b, s.Close())
			}
		})
	}
}

// BenchmarkDeletePlan deletes a plan of 10,000 executors, each with a run and
// ten log entries; swept is the time until the last of that is gone too.
func BenchmarkDeletePlan(b *testing.B) {
	s := openStore(b)
	var deleting, sweeping time.Duration
	n := 0
	for ; n == 0 || b.N > n; n++ {
		id := bigPlan(b, s, 10_000)
		start := time.Now()
		wantNoError(b, s.DeletePlan(b.Context(), id))
		deleting += time.Since(start)
		for left := 1; left > 0; {
			wantNoError(b, s.view(b.Context(), func(t *txn) error {
				left = len(t.keys(bucketGarbage, nil, 1))
				return nil
			}))
		}
		sweeping += time.Since(start)
	}
	b.ReportMetric(float64(deleting.Milliseconds())/float64(n), "ms/deletion")
	b.ReportMetric(float64(sweeping.Milliseconds())/float64(n), "ms/swept")
}

func bigPlan(b *testing.B, s *Store, n int) engine.PlanID {
	b.Helper()
	p := planNamed("big")
	executors := make([]engine.Executor, n)
	for i := range executors {
		executors[i] = executorOf(p, engine.Succeeded, at(i))
	}
	wantNoError(b, s.CreatePlan(b.Context(), p, executors, nil))
	wantNoError(b, s.update(b.Context(), ordinary, n, func(t *txn) error {
		for _, e := range executors {
			key, err := idKey(e.ID)
			if err != nil {
				return err
			}
			if err := t.putRun(key, engine.Run{Executor: e.ID}); err != nil {
				return err
			}
			if err := t.appendLog(key, make([]engine.LogEntry, 10)); err != nil {
				return err
			}
		}
		return nil
	}))
	return p.ID
}

// BenchmarkUndo adds and updates records of 64 KiB of a run that has as many of
// them already; the first number is the one to compare the other with.
func BenchmarkUndo(b *testing.B) {
	document := fmt.Appendf(nil, "%q", strings.Repeat("x", 64<<10))
	for _, size := range []int{0, 1000} {
		s := openStore(b)
		_, executors := stored(b, s, engine.Running)
		n := uint64(0)
		add := func() {
			n++
			r := recordOf(executors[0], n)
			r.Record = document
			wantNoError(b, s.AddUndo(b.Context(), r, 1_000_000))
		}
		for range size {
			add()
		}
		b.Run(fmt.Sprintf("add/stored=%d", size), func(b *testing.B) {
			for b.Loop() {
				add()
				b.StopTimer()
				wantNoError(b, s.update(b.Context(), ordinary, 1, func(t *txn) error { return drop(t, executors[0], n) }))
				n--
				b.StartTimer()
			}
		})
		if size == 0 {
			add()
		}
		b.Run(fmt.Sprintf("update/stored=%d", size), func(b *testing.B) {
			for b.Loop() {
				_, err := s.UpdateUndo(b.Context(), recordOf(executors[0], n).UndoID, func(r *engine.UndoRecord) error {
					r.Attempts++
					return nil
				})
				wantNoError(b, err)
			}
		})
	}
}

// drop deletes one record, which no caller of the store can.
func drop(t *txn, e engine.Executor, sequence uint64) error {
	r, executor, err := t.undo(engine.UndoID{Executor: e.ID, Sequence: sequence})
	if err != nil {
		return err
	}
	if err := t.dropUndo(&r, executor); err != nil {
		return err
	}
	return t.refreshUndoOf(e.ID, executor)
}
