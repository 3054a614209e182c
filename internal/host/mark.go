package host

import (
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// undoCall begins the name of a call that undoes a record; the record's id
// follows.
const undoCall = "undo-"

// mark is the mark of a process: of what follows the store, nothing has a
// meaning in paths.
func (h *Host) mark(what string) string {
	return h.cfg.StoreID + "/" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, what)
}

// groupName is the name of the cgroup of a process with this mark.
func groupName(mark string) string {
	_, what, _ := strings.Cut(mark, "/")
	return what
}

// executorOf reads from a mark which executor a process belongs to: one that
// ran it, or one that was undoing one of its records.
func executorOf(mark string) (engine.ExecutorID, bool) {
	what := groupName(mark)
	if record, ok := strings.CutPrefix(what, undoCall); ok {
		what, _, _ = strings.Cut(record, "-")
	}
	return engine.ExecutorID(what), engine.ValidID(what)
}
