package store

import (
	"context"
	"encoding/binary"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Run implements engine.Store. CodeNotFound also when the executor has no run
// yet.
func (s *Store) Run(ctx context.Context, id engine.ExecutorID) (engine.Run, error) {
	var r engine.Run
	err := s.view(ctx, func(t *txn) error {
		if _, _, err := t.executor(id); err != nil {
			return err
		}
		_, err := find(t, bucketRuns, "run", id, &r)
		return err
	})
	return r, err
}

// SaveRun implements engine.Store.
func (s *Store) SaveRun(ctx context.Context, run engine.Run, log []engine.LogEntry) error {
	return s.update(ctx, ordinary, 1+len(log), func(t *txn) error {
		_, key, err := t.executor(run.Executor)
		if err != nil {
			return err
		}
		if err := t.putRun(key, run); err != nil {
			return err
		}
		return t.appendLog(key, log)
	})
}

func (t *txn) putRun(key []byte, run engine.Run) error {
	if run.Progress != nil {
		progress := *run.Progress
		progress.At = utc(progress.At)
		run.Progress = &progress
	}
	return t.putRecord(bucketRuns, key, run)
}

// FinishRun implements engine.Store. When Apply returns engine.ErrSkip the
// executor stays as it is and the rest is written.
func (s *Store) FinishRun(ctx context.Context, f engine.Finish) (engine.Executor, error) {
	e, err := s.finishRun(ctx, ordinary, f)
	if engine.CodeOf(err) == engine.CodeFull {
		return s.finishRun(ctx, urgent, f.Scant())
	}
	return e, err
}

func (s *Store) finishRun(ctx context.Context, u urgency, f engine.Finish) (engine.Executor, error) {
	var finished engine.Executor
	err := s.update(ctx, u, 2+len(f.Log), func(t *txn) error {
		old, key, err := t.executor(f.ID)
		if err != nil {
			return err
		}
		e, _, err := change(old, f.Apply)
		if err != nil {
			return err
		}
		if f.Undo != nil {
			if e.Undo, err = t.changeUnsettled(key, f.Undo); err != nil {
				return err
			}
		}
		if err := t.saveExecutor(&old, &e); err != nil {
			return err
		}
		if f.Run != nil {
			if err := t.putRun(key, *f.Run); err != nil {
				return err
			}
		}
		finished = e
		return t.appendLog(key, f.Log)
	})
	if err != nil {
		return engine.Executor{}, err
	}
	return finished, nil
}

// AppendLog implements engine.Store. An entry with a sequence keeps it, and
// replaces one stored with the same.
func (s *Store) AppendLog(ctx context.Context, id engine.ExecutorID, log []engine.LogEntry) error {
	return s.update(ctx, ordinary, len(log), func(t *txn) error {
		_, key, err := t.executor(id)
		if err != nil {
			return err
		}
		return t.appendLog(key, log)
	})
}

func (t *txn) appendLog(executor []byte, log []engine.LogEntry) error {
	if len(log) == 0 {
		return nil
	}
	last := t.lastSequence(bucketLogs, executor)
	for _, entry := range log {
		if entry.Seq == 0 {
			entry.Seq = last + 1
		}
		last = max(last, entry.Seq)
		entry.At = utc(entry.At)
		if err := t.putRecord(bucketLogs, sequenceKey(executor, entry.Seq), entry); err != nil {
			return err
		}
	}
	return nil
}

// Log implements engine.Store. A limit of 0 means MaxLimit.
func (s *Store) Log(
	ctx context.Context, id engine.ExecutorID, after uint64, limit int,
) ([]engine.LogEntry, error) {
	var log []engine.LogEntry
	limit = plainLimit(limit)
	err := s.view(ctx, func(t *txn) error {
		_, key, err := t.executor(id)
		if err != nil || after == ^uint64(0) {
			return err
		}
		c := t.bucket(bucketLogs).Cursor()
		for k, v := c.Seek(sequenceKey(key, after+1)); k != nil && len(log) < limit; k, v = c.Next() {
			if string(k[:idLength]) != string(key) {
				break
			}
			entry := engine.LogEntry{Seq: binary.BigEndian.Uint64(k[idLength:])}
			if err := decode(v, &entry); err != nil {
				return err
			}
			log = append(log, entry)
		}
		return nil
	})
	return log, err
}
