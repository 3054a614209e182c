package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// keepHistory leads to version 3: API keys and the audit get a bucket each,
// executors are counted by state, and the plans that are executed are listed by
// when they ended. What they are kept for begins now, since the versions before
// kept everything: nobody's old plans are to go at the first start. It keeps to
// what the file's format was then, not to today's types.
func keepHistory(tx *bbolt.Tx) error {
	for _, name := range []string{"access_keys", "audit", "history"} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	m := historyKeeping{tx: tx, states: map[string]int{}, ended: map[string]time.Time{}}
	if err := m.executors(); err != nil {
		return err
	}
	if err := m.undos(); err != nil {
		return err
	}
	if err := m.plans(); err != nil {
		return err
	}
	if err := m.put("history_since", time.Now().UTC()); err != nil || len(m.states) == 0 {
		return err
	}
	return m.put("executor_counts", m.states)
}

// historyKeeping is keepHistory at work.
type historyKeeping struct {
	tx     *bbolt.Tx
	states map[string]int
	ended  map[string]time.Time // of plans, by id
}

func (m *historyKeeping) put(key string, v any) error {
	value, err := encode(v)
	if err != nil {
		return err
	}
	return m.tx.Bucket([]byte("meta")).Put([]byte(key), value)
}

// noteEnd notes that something of a plan was due or ended then.
func (m *historyKeeping) noteEnd(plan string, instants ...time.Time) {
	for _, at := range instants {
		if at.After(m.ended[plan]) {
			m.ended[plan] = at
		}
	}
}

func (m *historyKeeping) executors() error {
	return m.tx.Bucket([]byte("executors")).ForEach(func(key, value []byte) error {
		var e struct {
			Plan     string    `json:"plan_id"`
			State    string    `json:"state"`
			Due      time.Time `json:"due"`
			Finished time.Time `json:"finished"`
		}
		if err := json.Unmarshal(value, &e); err != nil {
			return fmt.Errorf("executor %x: %w", key, err)
		}
		m.states[e.State]++
		m.noteEnd(e.Plan, e.Due, e.Finished)
		return nil
	})
}

func (m *historyKeeping) undos() error {
	return m.tx.Bucket([]byte("undos")).ForEach(func(key, value []byte) error {
		var r struct {
			Plan     string    `json:"plan"`
			Created  time.Time `json:"created"`
			Finished time.Time `json:"finished"`
		}
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("undo record %x: %w", key, err)
		}
		m.noteEnd(r.Plan, r.Created, r.Finished)
		return nil
	})
}

func (m *historyKeeping) plans() error {
	counts, history := m.tx.Bucket([]byte("counts")), m.tx.Bucket([]byte("history"))
	return m.tx.Bucket([]byte("plans")).ForEach(func(key, value []byte) error {
		var p struct {
			ID      string    `json:"id"`
			Created time.Time `json:"created"`
		}
		if err := json.Unmarshal(value, &p); err != nil {
			return fmt.Errorf("plan %x: %w", key, err)
		}
		m.noteEnd(p.ID, p.Created)
		var c struct {
			Total     int       `json:"total"`
			Pending   int       `json:"pending"`
			Unsettled int       `json:"unsettled"`
			Ended     time.Time `json:"ended,omitzero"`
		}
		if stored := counts.Get(key); stored != nil {
			if err := json.Unmarshal(stored, &c); err != nil {
				return fmt.Errorf("the counts of plan %x: %w", key, err)
			}
		}
		if c.Pending > 0 || c.Unsettled > 0 {
			return nil
		}
		c.Ended = m.ended[p.ID].UTC().Truncate(time.Microsecond)
		stored, err := encode(c)
		if err != nil {
			return err
		}
		if err := counts.Put(key, stored); err != nil {
			return err
		}
		at := binary.BigEndian.AppendUint64(nil, uint64(c.Ended.UnixMicro())^1<<63)
		return history.Put(append(at, key...), []byte{1})
	})
}
