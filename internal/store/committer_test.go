package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// held keeps the committer busy, so that what is written meanwhile waits.
type held struct {
	s       *Store
	release chan struct{}
	writers sync.WaitGroup
	queued  int
	ended   atomic.Int32
}

func hold(t *testing.T, s *Store) *held {
	t.Helper()
	h := &held{s: s, release: make(chan struct{})}
	entered := make(chan struct{})
	h.writers.Go(func() {
		err := s.update(context.Background(), urgent, 1, func(*txn) error {
			close(entered)
			<-h.release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	return h
}

// write queues a write and returns where its error will be.
func (h *held) write(t *testing.T, ctx context.Context, fn func(*txn) error) *error { //nolint:revive // t first
	t.Helper()
	result := new(error)
	h.writers.Go(func() {
		defer func() {
			if value := recover(); value != nil {
				*result = fmt.Errorf("panic: %v", value)
			}
		}()
		defer h.ended.Add(1)
		*result = h.s.update(ctx, ordinary, 1, fn)
	})
	h.queued++
	eventually(t, "the write is queued", func() bool { return len(h.s.queue) == h.queued })
	return result
}

// done releases the committer and waits for all writers.
func (h *held) done() {
	close(h.release)
	h.writers.Wait()
}

// putting returns a write that sets a key of the cache, notes its transaction,
// and then returns err.
func putting(key string, transactions *[]int, err error) func(*txn) error {
	return func(t *txn) error {
		*transactions = append(*transactions, t.tx.ID())
		return errors.Join(t.put(bucketCache, []byte(key), present), err)
	}
}

func wantCached(t *testing.T, s *Store, want ...string) {
	t.Helper()
	keys, err := s.CachedKeys("")
	wantNoError(t, err)
	wantSame(t, "cached keys", keys, want)
}

func TestWhatWaitsIsCommittedTogether(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	var transactions []int
	var results []*error
	for i := range 5 {
		results = append(results, h.write(t, t.Context(), putting(fmt.Sprint(i), &transactions, nil)))
	}
	h.done()
	for i, result := range results {
		if *result != nil || transactions[i] != transactions[0] {
			t.Errorf("write %d: %v, in transaction %d of %v", i, *result, transactions[i], transactions)
		}
	}
	wantCached(t, s, "0", "1", "2", "3", "4")
}

func TestAFailingWriteHurtsNoOther(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	var transactions []int
	broken := errors.New("broken")
	first := h.write(t, t.Context(), putting("a", &transactions, nil))
	failing := h.write(t, t.Context(), putting("b", &transactions, broken))
	panicking := h.write(t, t.Context(), func(tx *txn) error {
		_ = tx.put(bucketCache, []byte("c"), present)
		panic("oh no")
	})
	last := h.write(t, t.Context(), putting("d", &transactions, nil))
	h.done()
	if *first != nil || *last != nil {
		t.Errorf("the sound writes failed: %v, %v", *first, *last)
	}
	if !errors.Is(*failing, broken) {
		t.Errorf("the failing write returned %v", *failing)
	}
	if *panicking == nil || !strings.HasPrefix((*panicking).Error(), "panic: oh no") {
		t.Errorf("the panicking write returned %v", *panicking)
	}
	wantCached(t, s, "a", "d")
}

func TestARefusalCostsTheOthersNothing(t *testing.T) {
	s := openStore(t)
	_, executors := stored(t, s, engine.Scheduled)
	h := hold(t, s)
	var transactions []int
	first := h.write(t, t.Context(), putting("a", &transactions, nil))
	refused := h.write(t, t.Context(), func(tx *txn) error {
		_, _, err := tx.applyAll(idsOf(executors), func(*engine.Executor) error { return errors.New("no") })
		return err
	})
	last := h.write(t, t.Context(), putting("b", &transactions, nil))
	h.done()
	if *first != nil || *last != nil || *refused == nil {
		t.Errorf("got %v, %v, %v", *first, *refused, *last)
	}
	if len(transactions) != 2 || transactions[0] != transactions[1] {
		t.Errorf("the sound writes ran in transactions %v", transactions)
	}
}

func TestAWriteCanBeWithdrawnWhileItWaits(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	ctx, cancel := context.WithCancelCause(t.Context())
	impatient := errors.New("impatient")
	var transactions []int
	gone := h.write(t, ctx, putting("a", &transactions, nil))
	waited := h.write(t, t.Context(), putting("b", &transactions, nil))
	cancel(impatient)
	eventually(t, "the caller has its answer", func() bool { return h.ended.Load() == 1 })
	h.done()
	if !errors.Is(*gone, impatient) || *waited != nil {
		t.Errorf("got %v and %v", *gone, *waited)
	}
	wantCached(t, s, "b")
}

func TestATakenWriteIsWaitedFor(t *testing.T) {
	s := openStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.update(ctx, ordinary, 1, func(tx *txn) error {
		cancel()
		return tx.put(bucketCache, []byte("a"), present)
	})
	wantNoError(t, err)
	wantCached(t, s, "a")
	if err := s.update(ctx, ordinary, 1, putting("b", new([]int), nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: got %v", err)
	}
	if _, err := s.NextDue(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a read with an ended context: got %v", err)
	}
}

func TestAFullQueueHonoursTheContext(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	for range cap(s.queue) {
		s.queue <- &write{fn: func(*txn) error { return nil }, done: make(chan struct{})}
	}
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan error)
	go func() { returned <- s.update(ctx, ordinary, 1, putting("a", new([]int), nil)) }()
	cancel()
	if err := <-returned; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.done()
	wantCached(t, s)
}

func TestCloseCommitsWhatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	h := hold(t, s)
	var transactions []int
	first := h.write(t, t.Context(), putting("a", &transactions, nil))
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	eventually(t, "the store is closing", func() bool {
		s.closing.RLock()
		defer s.closing.RUnlock()
		return s.closed
	})
	wantCode(t, s.PutCached("b", nil), engine.CodeClosed)
	h.done()
	wantNoError(t, <-closed)
	wantNoError(t, *first)
	wantCached(t, openAt(t, path), "a")
}

func TestALargeBatchIsSplit(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	ids := make(chan int, 3)
	for range cap(ids) {
		s.queue <- &write{records: batchRecords/2 + 1, done: make(chan struct{}), fn: func(tx *txn) error {
			ids <- tx.tx.ID()
			return tx.put(bucketCache, []byte("a"), present)
		}}
	}
	h.done()
	first, second, third := <-ids, <-ids, <-ids
	if first != second || second == third {
		t.Errorf("writes of half a batch each ran in transactions %d, %d, %d", first, second, third)
	}
}

func TestASmallWriteOvertakesBulkyOnes(t *testing.T) {
	s := openStore(t)
	h := hold(t, s)
	order := make(chan string, 4)
	write := func(name string, records int) *write {
		return &write{records: records, done: make(chan struct{}), fn: func(tx *txn) error {
			order <- name
			return tx.put(bucketCache, []byte(name), present)
		}}
	}
	for range 3 {
		s.bulk <- write("bulky", bulkRecords+1)
	}
	s.queue <- write("small", 1)
	h.done()
	if first := <-order; first != "small" {
		t.Errorf("the first was %s", first)
	}
	for range 3 {
		<-order
	}
}

// TestABulkyWriteWaitsForSmallOnesOnlySoLong has a small one at every look.
func TestABulkyWriteWaitsForSmallOnesOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{first: make(chan *write, 1), queue: make(chan *write, 9), bulk: make(chan *write, 9)}
		took := func() string {
			s.queue <- &write{records: 1}
			w, _ := s.waitingNow()
			switch {
			case w == nil:
				return "nothing"
			case w.isBulky():
				return "bulky"
			}
			return "small"
		}
		s.bulk <- &write{records: bulkRecords + 1}
		s.bulk <- &write{records: bulkRecords + 1}
		wantSame(t, "at first", took(), "small")
		time.Sleep(bulkPatience - time.Millisecond)
		wantSame(t, "for its time", took(), "small")
		time.Sleep(time.Millisecond)
		s.first <- &write{urgency: foremost, records: bulkRecords + 1}
		w, _ := s.waitingNow()
		wantSame(t, "the lever is first", w.urgency == foremost, true)
		wantSame(t, "after it", took(), "bulky")
		wantSame(t, "the next one's time begins", took(), "small")
		time.Sleep(bulkPatience)
		wantSame(t, "after its time too", took(), "bulky")
		time.Sleep(bulkPatience)
		wantSame(t, "when none waits", took(), "small")
		s.bulk <- &write{records: bulkRecords + 1}
		wantSame(t, "one that came later", took(), "small")
	})
}
