//go:build linux

package host

import (
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// logged is a host's log.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() hclog.Logger { return hclog.New(&hclog.LoggerOptions{Output: l}) }

// record is a sink that remembers. It notices calls at the same time.
type record struct {
	busy  sync.Mutex
	after atomic.Bool // two calls overlapped

	started  time.Time
	log      []engine.LogEntry
	progress []engine.Progress
	targets  []engine.Target
	result   json.RawMessage
	undos    []engine.NewUndo
	undone   map[uint64]engine.UndoAnswer
	onLog    func(engine.LogEntry)
	onStart  func()
}

func (r *record) enter() func() {
	if !r.busy.TryLock() {
		r.after.Store(true)
		return func() {}
	}
	return r.busy.Unlock
}

func (r *record) Started(at time.Time) {
	defer r.enter()()
	r.started = at
	if r.onStart != nil {
		r.onStart()
	}
}

func (r *record) Log(e engine.LogEntry) {
	defer r.enter()()
	r.log = append(r.log, e)
	if r.onLog != nil {
		r.onLog(e)
	}
}

func (r *record) Progress(p engine.Progress) { defer r.enter()(); r.progress = append(r.progress, p) }

func (r *record) Targets(t []engine.Target) { defer r.enter()(); r.targets = append(r.targets, t...) }

func (r *record) Result(doc json.RawMessage) { defer r.enter()(); r.result = doc }

func (r *record) Undo(u engine.NewUndo) error {
	defer r.enter()()
	r.undos = append(r.undos, u)
	return nil
}

func (r *record) Undone(sequence uint64, a engine.UndoAnswer) {
	defer r.enter()()
	if r.undone == nil {
		r.undone = map[uint64]engine.UndoAnswer{}
	}
	r.undone[sequence] = a
}

// text is the log of a source.
func (r *record) text(source string) string {
	var lines []string
	for _, e := range r.log {
		if e.Source == source {
			lines = append(lines, e.Message)
		}
	}
	return strings.Join(lines, "\n")
}
