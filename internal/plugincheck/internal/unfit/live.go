package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Faults that only show when harm is really done.
func init() {
	register("undo-fails-twice", missing(func(*pluginv1.UndoRequest) bool { return true }))
	register("undo-fails-without-harm", missing(func(r *pluginv1.UndoRequest) bool {
		_, err := os.Stat(harmed(r.GetRunId()) + ".was")
		return err != nil
	}))
	register("undo-leaves-the-harm", func(p *behaviour) {
		p.undo = func(r *pluginv1.UndoRequest) (*pluginv1.Answer, error) {
			a, err := undo(r)
			if a.GetOutcome() == pluginv1.Outcome_OUTCOME_UNDONE {
				return answer(pluginv1.Outcome_OUTCOME_FAILED, "no permission"), nil
			}
			return a, err
		}
	})
	register("undo-hangs", func(p *behaviour) { // where there is something to undo
		p.undo = func(r *pluginv1.UndoRequest) (*pluginv1.Answer, error) {
			if _, err := os.Stat(harmed(r.GetRunId())); err == nil {
				select {}
			}
			return undo(r)
		}
	})
	register("harms-before-its-record", func(p *behaviour) {
		p.act = func(r *run) error {
			a, err := r.begin()
			if err != nil {
				return r.finish(err.Error())
			}
			path := harmed(r.start.GetRunId())
			r.target("hit")
			_ = os.WriteFile(path, []byte(a.Note), 0o600)
			r.record(record{Path: path})
			return r.end()
		}
	})
	register("leaves-a-process-when-live", func(p *behaviour) {
		p.act = func(r *run) error {
			sleeper(&syscall.SysProcAttr{Setsid: true}, false)
			return act(r)
		}
	})
	register("irreversible", func(p *behaviour) { // no fault: it says so
		p.describe = func(d *pluginv1.Description) {
			o := &d.Offers[0]
			o.Effect, o.CanUndo, o.CanDryRun = "irreversible", false, false
		}
		p.act = func(r *run) error {
			if _, err := r.begin(); err != nil {
				return r.finish(err.Error())
			}
			r.target("hit")
			return r.end()
		}
	})
	register("goes-on-without-a-record", func(p *behaviour) {
		p.act = func(r *run) error {
			if _, err := r.begin(); err != nil {
				return r.finish(err.Error())
			}
			r.record(record{Path: harmed(r.start.GetRunId())})
			r.target("hit") // whatever the host answered
			return r.end()
		}
	})
}

// missing is the fault of an undo that fails where there is nothing to undo, if
// a condition holds. A file beside the harm tells that it was there once.
func missing(fails func(*pluginv1.UndoRequest) bool) func(*behaviour) {
	return func(p *behaviour) {
		p.undo = func(r *pluginv1.UndoRequest) (*pluginv1.Answer, error) {
			path := harmed(r.GetRunId())
			_, err := os.Stat(path)
			gone := errors.Is(err, fs.ErrNotExist)
			a, err := undo(r)
			if gone && a.GetOutcome() == pluginv1.Outcome_OUTCOME_NOTHING_TO_DO && fails(r) {
				return answer(pluginv1.Outcome_OUTCOME_FAILED, "there is no file"), nil
			}
			if a.GetOutcome() == pluginv1.Outcome_OUTCOME_UNDONE {
				_ = os.WriteFile(path+".was", nil, 0o600)
			}
			return a, err
		}
	}
}
