package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// auditorQueue is how many entries may wait to be stored.
	auditorQueue = 1024
	// auditorWait bounds how long storing one may take.
	auditorWait = 5 * time.Second
)

// Where what the daemon itself records comes from, and by whom.
const (
	byDaemon   = "cmed"
	fromSignal = "signal"
	fromFile   = "halt file"
	fromFolder = "plugin folder"
	fromStart  = "start"
)

// auditor records what does not come over the API. Whoever tells it does not wait
// for the store.
type auditor struct {
	store   audit.Store
	log     hclog.Logger
	working sync.WaitGroup
	ctx     context.Context // ends when what waits is not stored any more
	giveUp  context.CancelCauseFunc

	mu      sync.Mutex
	entries chan audit.Entry // nil: closed
}

func newAuditor(store audit.Store, log hclog.Logger) *auditor {
	a := &auditor{store: store, log: log, entries: make(chan audit.Entry, auditorQueue)}
	a.ctx, a.giveUp = context.WithCancelCause(context.Background())
	entries := a.entries
	a.working.Go(func() {
		for e := range entries {
			a.keep(e)
		}
	})
	return a
}

// record has an entry stored. When too many wait, or after close, it goes to the
// log.
func (a *auditor) record(e audit.Entry) {
	e = settled(e)
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case a.entries <- e:
	default:
		a.lose(e, "too many wait, or the daemon has stopped")
	}
}

// recordNow is record for who can wait until the entry is stored.
func (a *auditor) recordNow(e audit.Entry) { a.keep(settled(e)) }

// settled is the entry of something that was just done.
func settled(e audit.Entry) audit.Entry {
	e.At, e.Outcome = time.Now().UTC(), audit.OK
	return e
}

func (a *auditor) keep(e audit.Entry) {
	ctx, cancel := context.WithTimeout(a.ctx, auditorWait)
	defer cancel()
	if _, err := a.store.AppendAudit(ctx, e); err != nil {
		a.lose(e, err.Error())
	}
}

func (a *auditor) lose(e audit.Entry, why string) {
	a.log.Error("the audit lacks an entry: it could not be stored", "who", e.Who, "from", e.From,
		"action", e.Action, "target", e.Target, "detail", e.Detail, "error", why)
}

// close stores what waits. When ctx ends before that, the rest goes to the log.
func (a *auditor) close(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { a.giveUp(context.Cause(ctx)) })()
	a.mu.Lock()
	close(a.entries)
	a.entries = nil
	a.mu.Unlock()
	a.working.Wait()
	a.giveUp(nil)
}

// observe records what of the engine's changes did not come over the API.
func (a *auditor) observe(c engine.Change, haltFile string) {
	switch {
	case c.Plugin != nil:
		a.record(pluginEntry(*c.Plugin))
	case c.Lever != nil && c.Type == "lever.engaged" && c.Lever.By == "the halt file "+haltFile:
		a.record(audit.Entry{
			Who: byDaemon, From: fromFile, Action: "engage_lever", Target: haltFile, Detail: c.Lever.Reason,
		})
	}
}

// pluginEntry tells of a file in the plugin folders.
func pluginEntry(f engine.PluginFile) audit.Entry {
	refs := make([]string, len(f.Refs))
	for i, ref := range f.Refs {
		refs[i] = string(ref)
	}
	detail := strings.Join(refs, ", ")
	if f.SHA256 != "" {
		detail = strings.TrimPrefix(detail+"; sha256 "+f.SHA256, "; ")
	}
	return audit.Entry{
		Who: byDaemon, From: fromFolder, Action: "plugin_" + string(f.State), Target: string(f.Kind) + "/" + f.Path, Detail: detail,
	}
}
