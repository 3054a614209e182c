package store

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// versionOne is a file as version 1 wrote it.
type versionOne struct {
	*testing.T
	tx *bbolt.Tx
}

// makeVersionOne makes one and has it filled.
func makeVersionOne(t *testing.T, path string, fill func(versionOne)) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	wantNoError(t, err)
	wantNoError(t, migrate(db, migrations[:1]))
	wantNoError(t, db.Update(func(tx *bbolt.Tx) error {
		fill(versionOne{t, tx})
		return nil
	}))
	wantNoError(t, db.Close())
}

func (v versionOne) put(bucket string, key, value []byte) {
	v.Helper()
	wantNoError(v, v.tx.Bucket([]byte(bucket)).Put(key, value))
}

// putUndo writes a record with its document and its index entries.
func (v versionOne) putUndo(r engine.UndoRecord) {
	v.Helper()
	executor, err := hex.DecodeString(string(r.Executor))
	wantNoError(v, err)
	value, err := encode(r)
	wantNoError(v, err)
	v.put("undos", sequenceKey(executor, r.Sequence), value)
	if r.State.Reversible() {
		v.put("reversible", sequenceKey(executor, r.Sequence), []byte{1})
	}
	if !r.Due.IsZero() {
		v.put("undo_due", undoDueKey(&r, executor), []byte{1})
	}
}

func TestAFileOfVersionOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	p := planNamed("old")
	e := executorOf(p, engine.Failed, noon)
	e.Undo = engine.UndoFailed
	gone := executorOf(p, engine.Failed, noon) // deleted; its abandoned record is left
	var want []engine.UndoRecord
	makeVersionOne(t, path, func(v versionOne) {
		n, err := prepare(p, []engine.Executor{e}, nil)
		wantNoError(t, err)
		v.put("plans", n.plan.key, n.plan.value)
		v.put("open_plans", n.plan.key, []byte{1})
		v.put("counts", n.plan.key, []byte(`{"Total":1,"Pending":0,"Unsettled":1}`))
		value, err := json.Marshal(e)
		wantNoError(t, err)
		v.put("executors", n.executors[0].key, value)
		for _, key := range n.keys {
			v.put("executor_index", key, []byte{1})
		}
		for i := range 600 { // several pages
			r := recordOf(e, uint64(i))
			r.State = engine.RecordStates[i%len(engine.RecordStates)]
			r.Record = fmt.Appendf(nil, `{"n":%d,"html":"<b>&"}`, i)
			if i%5 == 0 {
				r.Due = at(i)
			}
			want = append(want, r)
			v.putUndo(r)
		}
		abandoned := recordOf(gone, 1)
		abandoned.State, abandoned.Record = engine.RecordAbandoned, nil
		v.putUndo(abandoned)
	})

	s := openAt(t, path)
	check(t, s)
	got, err := s.Undos(t.Context(), e.ID)
	wantNoError(t, err)
	wantSame(t, "the records", got, want)
	if string(got[7].Record) != `{"n":7,"html":"<b>&"}` {
		t.Errorf("a document came back as %s", got[7].Record)
	}
	counts, err := s.UndoCounts(t.Context())
	wantNoError(t, err)
	wantSame(t, "the counts", counts, engine.UndoCounts{
		engine.RecordOpen: 100, engine.RecordUndoing: 100, engine.RecordUndone: 100, engine.RecordKept: 100,
		engine.RecordFailed: 100, engine.RecordAbandoned: 101,
	})
	left, err := s.Undo(t.Context(), engine.UndoID{Executor: gone.ID, Sequence: 1})
	if err != nil || string(left.Record) != "null" {
		t.Errorf("the record of a deleted executor: %+v, %v", left, err)
	}
	wantNoError(t, s.view(t.Context(), func(tx *txn) error {
		if tx.tx.Bucket([]byte("reversible")) != nil {
			t.Error("the old index is still there")
		}
		return nil
	}))
	wantNoError(t, s.DeletePlan(t.Context(), p.ID))
	check(t, s)
}

func TestAnEmptyFileOfVersionOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	makeVersionOne(t, path, func(versionOne) {})
	s := openAt(t, path)
	check(t, s)
	_, executors := stored(t, s, engine.Running)
	wantNoError(t, s.AddUndo(t.Context(), recordOf(executors[0], 1), 0))
	check(t, s)
}

func TestADamagedFileOfVersionOneIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	makeVersionOne(t, path, func(v versionOne) {
		r := recordOf(engine.Executor{ID: engine.NewExecutorID()}, 1)
		v.putUndo(r)
		r.Sequence, r.State = 2, "asleep"
		v.putUndo(r)
	})
	for range 2 {
		if s, err := Open(path); err == nil {
			t.Fatal("it was opened:", s.Close())
		}
	}
	db, err := bbolt.Open(path, 0o600, nil)
	wantNoError(t, err)
	defer func() { wantNoError(t, db.Close()) }()
	wantNoError(t, db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket([]byte("reversible")) == nil || tx.Bucket([]byte("undo_index")) != nil {
			t.Error("it was changed")
		}
		return nil
	}))
}
