package byhand

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// ledger holds the undo records of one run: each a file named by its sequence,
// and all in memory. It is for one goroutine at a time.
type ledger struct {
	dir     string
	records []engine.UndoRecord // by sequence
}

// openLedger makes the folder if it is not there, and reads what is in it.
func openLedger(dir string) (*ledger, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of undo records: %w", err)
	}
	if err := syncFolder(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the undo records: %w", err)
	}
	l := &ledger{dir: dir}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // one whose writing was cut off: nobody relied on it
			continue
		}
		var r engine.UndoRecord
		if err := readDocument(filepath.Join(dir, e.Name()), &r); err != nil {
			return nil, fmt.Errorf("read an undo record: %w", err)
		}
		l.records = append(l.records, r)
	}
	slices.SortFunc(l.records, func(a, b engine.UndoRecord) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return l, nil
}

// add makes a new record durable.
func (l *ledger) add(r engine.UndoRecord) error {
	if l.find(r.Sequence) != nil {
		return fmt.Errorf("there is an undo record %d already", r.Sequence)
	}
	if err := l.write(r); err != nil {
		return err
	}
	l.records = append(l.records, r)
	slices.SortFunc(l.records, func(a, b engine.UndoRecord) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return nil
}

// change changes a record. When that can't be made durable the record is as it
// was: it is undone once more then, which every undo must bear.
func (l *ledger) change(sequence uint64, fn func(*engine.UndoRecord)) (engine.UndoRecord, error) {
	r := l.find(sequence)
	if r == nil {
		return engine.UndoRecord{}, fmt.Errorf("there is no undo record %d", sequence)
	}
	changed := *r
	fn(&changed)
	if err := l.write(changed); err != nil {
		return *r, err
	}
	*r = changed
	return changed, nil
}

func (l *ledger) write(r engine.UndoRecord) error {
	if err := writeDurably(filepath.Join(l.dir, strconv.FormatUint(r.Sequence, 10)+".json"), r); err != nil {
		return fmt.Errorf("store undo record %d: %w", r.Sequence, err)
	}
	return nil
}

func (l *ledger) find(sequence uint64) *engine.UndoRecord {
	i := slices.IndexFunc(l.records, func(r engine.UndoRecord) bool { return r.Sequence == sequence })
	if i < 0 {
		return nil
	}
	return &l.records[i]
}

// reversible lists the sequences of the records whose harm may be in place, the
// newest first.
func (l *ledger) reversible() []uint64 {
	var list []uint64
	for _, r := range slices.Backward(l.records) {
		if r.State.Reversible() {
			list = append(list, r.Sequence)
		}
	}
	return list
}
