package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	idLength   = 16
	timeLength = 8
	// sequenceLength is the length of a number in a key.
	sequenceLength = 8
	// placeLength is the length of a place in a list of executors: due and id.
	placeLength = timeLength + idLength
)

// idKey returns the 16 bytes of an id; CodeInvalid when it is none.
func idKey[ID ~string](id ID) ([]byte, error) {
	if !engine.ValidID(string(id)) {
		return nil, engine.Errorf(engine.CodeInvalid, "%.40q is not an id: 32 lower-case hex digits", string(id))
	}
	return hex.DecodeString(string(id))
}

// idOf is the inverse of idKey.
func idOf[ID ~string](key []byte) ID { return ID(hex.EncodeToString(key)) }

// timeKey returns an instant so that bytes sort as instants do: microseconds
// since 1970, unsigned by flipping the sign bit.
func timeKey(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())^1<<63)
}

// timeOf is the inverse of timeKey.
func timeOf(key []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(key) ^ 1<<63)).UTC() //nolint:gosec // the bits are wanted
}

// notBefore returns the first whole microsecond that is not before t.
func notBefore(t time.Time) time.Time {
	whole := t.Truncate(time.Microsecond)
	if whole.Before(t) {
		whole = whole.Add(time.Microsecond)
	}
	return whole
}

func sequenceKey(executor []byte, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(executor), sequence)
}

// The scopes of the executor index: its first byte.
const (
	scopeAll    byte = 'g'
	scopePlan   byte = 'p' // followed by the plan's id
	scopeAttack byte = 'a' // followed by 16 bytes of the ref's sha256
)

// stateAll is the state byte of the walk over all states.
const stateAll byte = 0

// stateBytes are the states in the executor index. They are part of the file's
// format.
var stateBytes = map[engine.State]byte{
	engine.Scheduled: 1, engine.Starting: 2, engine.Running: 3, engine.Succeeded: 4,
	engine.Failed: 5, engine.TimedOut: 6, engine.Halted: 7, engine.Crashed: 8, engine.Lost: 9,
	engine.Missed: 10, engine.Blocked: 11, engine.Cancelled: 12,
}

func planScope(plan []byte) []byte { return append([]byte{scopePlan}, plan...) }

func attackScope(ref engine.Ref) []byte {
	sum := sha256.Sum256([]byte(ref))
	return append([]byte{scopeAttack}, sum[:idLength]...)
}

// walkPrefix is the start of all keys of one scope and state.
func walkPrefix(scope []byte, state byte) []byte { return append(slices.Clone(scope), state) }

// scheduledPrefix is the walk the scheduler reads: the due index.
var scheduledPrefix = walkPrefix([]byte{scopeAll}, stateBytes[engine.Scheduled])

// executorKeys returns the six keys under which the index has an executor: once
// for its state and once for all states in each of three scopes.
func executorKeys(e *engine.Executor) ([][]byte, error) {
	id, err := idKey(e.ID)
	if err != nil {
		return nil, err
	}
	plan, err := idKey(e.PlanID)
	if err != nil {
		return nil, err
	}
	place := append(timeKey(e.Due), id...)
	keys := make([][]byte, 0, 6)
	for _, scope := range [][]byte{{scopeAll}, planScope(plan), attackScope(e.AttackRef)} {
		for _, state := range []byte{stateAll, stateBytes[e.State]} {
			keys = append(keys, append(walkPrefix(scope, state), place...))
		}
	}
	return keys, nil
}

// recordStateBytes are the states in the index of undo records. They are part of
// the file's format.
var recordStateBytes = map[engine.RecordState]byte{
	engine.RecordOpen: 1, engine.RecordUndoing: 2, engine.RecordUndone: 3, engine.RecordKept: 4,
	engine.RecordFailed: 5, engine.RecordAbandoned: 6,
}

// undoStateKey is the place of a record in the index by state.
func undoStateKey(r *engine.UndoRecord, executor []byte) []byte {
	return append([]byte{recordStateBytes[r.State]}, sequenceKey(executor, r.Sequence)...)
}

// undoDueKey is the place of a record in the index by due time, nil when it is
// not due: within one instant and run, the newest first.
func undoDueKey(r *engine.UndoRecord, executor []byte) []byte {
	if r.Due.IsZero() {
		return nil
	}
	return binary.BigEndian.AppendUint64(append(timeKey(r.Due), executor...), ^r.Sequence)
}
