package store

import (
	"encoding/binary"
	"encoding/json"
	"maps"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// undos checks the undo records, which come sorted by executor.
func (i *inspection) undos() error {
	totals := engine.UndoCounts{}
	var executor string
	var tally engine.UndoCounts
	err := each(i, bucketUndos, func(key []byte, r engine.UndoRecord) {
		i.report.Undos++
		if len(key) != undoKeyLength || recordStateBytes[r.State] == 0 {
			i.report.find("undo record %x: %.40q is not a state, or that is no key", key, string(r.State))
			return
		}
		if own := string(key[:idLength]); own != executor {
			i.tally(executor, tally)
			executor, tally = own, engine.UndoCounts{}
		}
		tally[r.State]++
		totals[r.State]++
		i.undo(key, &r)
	})
	if err != nil {
		return err
	}
	i.tally(executor, tally)
	if stored, err := i.t.undoTotals(); err != nil || !maps.Equal(stored, totals) {
		i.report.find("the undo records are counted as %v (%v), and are %v", stored, err, totals)
	}
	return nil
}

func (i *inspection) undo(key []byte, r *engine.UndoRecord) {
	executor := key[:idLength]
	if string(r.Executor) != string(idOf[engine.ExecutorID](executor)) || r.Sequence != binary.BigEndian.Uint64(key[idLength:]) {
		i.report.find("undo record %s is stored under %x", r.UndoID, key)
	}
	i.want(bucketUndoIndex, undoStateKey(r, executor))
	if due := undoDueKey(r, executor); due != nil {
		i.want(bucketUndoDue, due)
	}
	i.want(bucketUndoDocuments, key)
	if document := i.t.get(bucketUndoDocuments, key); document != nil && !json.Valid(document) {
		i.report.find("the document of undo record %s is not JSON", r.UndoID)
	}
	if r.Record != nil {
		i.report.find("undo record %s is stored with its document", r.UndoID)
	}
}

// tally compares what is stored of an executor with its records.
func (i *inspection) tally(executor string, made engine.UndoCounts) {
	if made == nil {
		return
	}
	i.want(bucketUndoTallies, []byte(executor))
	if stored, err := i.t.tallyOf([]byte(executor)); err != nil || !maps.Equal(stored, made) {
		i.report.find("the undo records of executor %x are counted as %v (%v), and are %v", executor, stored, err, made)
	}
}
