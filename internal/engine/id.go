package engine

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// PlanID identifies a plan: a UUIDv7 as 32 hex digits, so ids sort by creation.
type PlanID string

// ExecutorID identifies an executor, and with it its only run. It is the
// idempotency token attacks hand to providers. Same form as a PlanID.
type ExecutorID string

// Ref names an attack or a planner: "module:Name".
type Ref string

// UndoID names one undo record: the executor and the record's sequence in its
// run, printed as "<executor>-<sequence>".
type UndoID struct {
	Executor ExecutorID
	Sequence uint64
}

func (id UndoID) String() string {
	return string(id.Executor) + "-" + strconv.FormatUint(id.Sequence, 10)
}

// ParseUndoID reads what UndoID.String wrote.
func ParseUndoID(s string) (UndoID, error) {
	executor, sequence, ok := strings.Cut(s, "-")
	n, err := strconv.ParseUint(sequence, 10, 64)
	if !ok || err != nil || !ValidID(executor) {
		return UndoID{}, fmt.Errorf("%q is not the id of an undo record", s)
	}
	return UndoID{Executor: ExecutorID(executor), Sequence: n}, nil
}

// NewPlanID returns a fresh id.
func NewPlanID() PlanID { return PlanID(newID()) }

// NewExecutorID returns a fresh id.
func NewExecutorID() ExecutorID { return ExecutorID(newID()) }

// ValidID says whether s has the form of an id: 32 lower-case hex digits.
func ValidID(s string) bool {
	if len(s) != 32 || strings.ToLower(s) != s {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

func newID() string {
	// NewV7 fails only when the system has no entropy; nothing works then.
	id := uuid.Must(uuid.NewV7())
	return hex.EncodeToString(id[:])
}
