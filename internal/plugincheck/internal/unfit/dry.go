package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Dry runs that do harm, and dry runs that don't end as they should.
func init() {
	register("dry-writes", beforeTheEnd(func(*run) {
		_ = os.WriteFile(filepath.Join(own(), "written"), []byte("written"), 0o600)
	}))
	register("dry-deletes", beforeTheEnd(func(*run) { _ = os.Remove(filepath.Join(own(), "bystander")) }))
	register("dry-makes-folder", beforeTheEnd(func(*run) { _ = os.Mkdir(filepath.Join(own(), "folder"), 0o700) }))
	register("dry-records", beforeTheEnd(func(r *run) { r.record(record{Path: harmed(r.start.GetRunId())}) }))
	register("dry-hits", beforeTheEnd(func(r *run) { r.target("hit") }))
	register("dry-panics", beforeTheEnd(func(*run) { panic("out of bananas") }))
	register("dry-exits", beforeTheEnd(func(*run) { os.Exit(0) }))
	register("dry-freezes", beforeTheEnd(func(*run) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	}))
	register("dry-ends-without-answer", beforeTheEnd(nil))
	register("dry-never-ends", func(p *behaviour) {
		p.rehearse = func(r *run) error {
			if _, err := r.begin(); err != nil {
				return r.finish(err.Error())
			}
			<-r.stopped
			return r.finish("stopped")
		}
	})
	register("dry-floods", func(p *behaviour) {
		p.rehearse = func(r *run) error {
			if _, err := r.begin(); err != nil {
				return r.finish(err.Error())
			}
			for line := strings.Repeat("x", 1<<10); r.pause(0); {
				r.log(line)
			}
			return r.finish("stopped")
		}
	})
	register("fails-with-a-stack", func(p *behaviour) {
		p.rehearse = func(r *run) error {
			r.started()
			return r.stream.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Finished{Finished: &pluginv1.Finished{
				Failure: &pluginv1.Failure{Message: "panic: out of bananas", Stack: "goroutine 1 [running]:"},
			}}})
		}
	})
}

// beforeTheEnd is a fault of a dry run that is else fit: it does something when
// it has said what it would do. With nothing to do, it returns without an answer.
func beforeTheEnd(do func(*run)) func(*behaviour) {
	return func(p *behaviour) {
		p.rehearse = func(r *run) error {
			if _, err := r.begin(); err != nil {
				return r.finish(err.Error())
			}
			if do == nil {
				return nil
			}
			do(r)
			return r.end()
		}
	}
}

// longer is how long a run takes that outlasts every grace in the tests.
func longer() time.Duration {
	grace, err := time.ParseDuration(os.Getenv(pluginv1.EnvGrace))
	if err != nil {
		grace = 10 * time.Second
	}
	return 2*grace + 300*time.Millisecond
}
