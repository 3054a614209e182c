package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// encode returns v as JSON. Documents inside keep their characters: HTML is not
// escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write a %T: %w", v, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode reads what encode wrote. What it makes shares no memory with value.
func decode(value []byte, v any) error {
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("read a stored %T: %w", v, err)
	}
	return nil
}

// utc drops an instant's zone and its reading of the monotonic clock.
func utc(t time.Time) time.Time { return t.UTC().Round(0) }

// wholeMicroseconds is utc for due instants.
func wholeMicroseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func normalizeExecutor(e *engine.Executor) {
	e.Due = wholeMicroseconds(e.Due)
	e.Started, e.Finished = utc(e.Started), utc(e.Finished)
}

func normalizeUndo(r *engine.UndoRecord) {
	r.Due = wholeMicroseconds(r.Due)
	r.Created, r.UndoAt, r.Finished = utc(r.Created), utc(r.UndoAt), utc(r.Finished)
}
