package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

var errUnimplemented = status.Error(codes.Unimplemented, "not here")

// Faults of Targets, Check and Undo.
func init() {
	register("targets-differ", func(p *behaviour) {
		p.targets = func(*pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
			return &pluginv1.TargetsResponse{Targets: []*pluginv1.Target{{Id: fmt.Sprint(os.Getpid())}}}, nil
		}
	})
	register("targets-write", func(p *behaviour) {
		p.targets = func(r *pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
			_ = os.WriteFile(filepath.Join(own(), "targets"), nil, 0o600)
			return targets(r)
		}
	})
	register("targets-panic", func(p *behaviour) {
		p.targets = func(*pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) { panic("no targets") }
	})
	register("targets-only-declared", func(p *behaviour) {
		p.targets = func(*pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) { return nil, errUnimplemented }
	})
	register("check-hangs", func(p *behaviour) {
		p.check = func(*pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) { select {} }
	})
	register("check-differs", func(p *behaviour) {
		p.check = func(*pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
			return &pluginv1.CheckResponse{Warnings: []string{fmt.Sprint(os.Getpid())}}, nil
		}
	})
	register("check-only-declared", func(p *behaviour) {
		p.check = func(*pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) { return nil, errUnimplemented }
	})
	register("undo-panics-on-junk", func(p *behaviour) {
		p.undo = func(r *pluginv1.UndoRequest) (*pluginv1.Answer, error) {
			if a, err := undo(r); a.GetOutcome() != pluginv1.Outcome_OUTCOME_NOT_MINE {
				return a, err
			}
			panic("what is this?")
		}
	})
	register("undo-says-undone-to-junk", func(p *behaviour) {
		p.undo = func(r *pluginv1.UndoRequest) (*pluginv1.Answer, error) {
			a, err := undo(r)
			if a.GetOutcome() == pluginv1.Outcome_OUTCOME_NOT_MINE {
				a.Outcome = pluginv1.Outcome_OUTCOME_UNDONE
			}
			return a, err
		}
	})
	register("undo-only-declared", func(p *behaviour) {
		p.undo = func(*pluginv1.UndoRequest) (*pluginv1.Answer, error) { return nil, errUnimplemented }
	})
	register("undo-ends-without-answer", func(p *behaviour) {
		p.undo = func(*pluginv1.UndoRequest) (*pluginv1.Answer, error) {
			return nil, errors.New("nobody is at home")
		}
	})
}
