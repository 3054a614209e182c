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

// brand is what the environment of a process says of it: its mark, and which host
// started it, so that the processes of one that lives are not taken for leftovers.
// Two hosts may have one store's id: that of a copy is the original's.
type brand struct {
	mark string
	host string // see thisHost; "" when that is not known
}

// String is the value of CMED_RUN.
func (b brand) String() string {
	if b.host == "" {
		return b.mark
	}
	return b.mark + "/" + b.host
}

// parseBrand reads the value of CMED_RUN.
func parseBrand(value string) brand {
	store, rest, _ := strings.Cut(value, "/")
	what, host, _ := strings.Cut(rest, "/")
	return brand{mark: store + "/" + what, host: host}
}

// called is what follows the store in a mark.
func called(mark string) string {
	_, what, _ := strings.Cut(mark, "/")
	return what
}

// groupName is the name of the cgroup of a process of this host with this mark.
// No mark has a dot.
func groupName(mark string) string {
	if host := thisHost(); host != "" {
		return called(mark) + "." + host
	}
	return called(mark)
}

// ofGroup is what is known by the name of a cgroup of who is in it.
func (h *Host) ofGroup(name string) brand {
	what, host, _ := strings.Cut(name, ".")
	return brand{mark: h.cfg.StoreID + "/" + what, host: host}
}

// executorOf reads from a mark which executor a process belongs to: one that
// ran it, or one that was undoing one of its records.
func executorOf(mark string) (engine.ExecutorID, bool) {
	what := called(mark)
	if record, ok := strings.CutPrefix(what, undoCall); ok {
		what, _, _ = strings.Cut(record, "-")
	}
	return engine.ExecutorID(what), engine.ValidID(what)
}
