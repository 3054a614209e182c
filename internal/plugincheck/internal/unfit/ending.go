package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Plugins that don't end when they are told to, or act before they may.
func init() {
	register("deaf", func(p *behaviour) { // to Stop
		p.rehearse = func(r *run) error {
			if _, err := r.begin(); err != nil {
				return r.finish(err.Error())
			}
			time.Sleep(longer())
			return r.finish("")
		}
	})
	register("outlives-its-host", func(p *behaviour) { // ignores the lifeline
		p.hungUp = func() {}
		p.rehearse = lasting
	})
	register("deaf-to-sigterm", func(p *behaviour) {
		p.rehearse = func(r *run) error {
			signal.Ignore(syscall.SIGTERM)
			return lasting(r)
		}
	})
	register("stays", func(p *behaviour) { // when it has answered
		var answered atomic.Bool
		p.rehearse = func(r *run) error {
			answered.Store(true)
			return rehearse(r)
		}
		p.hungUp = func() {
			if !answered.Load() {
				os.Exit(0)
			}
		}
		p.served = func() {
			if answered.Load() {
				signal.Ignore(syscall.SIGTERM)
				time.Sleep(longer())
			}
		}
	})
	register("early", func(p *behaviour) { // acts before Start
		p.opened = func(*run) { _ = os.WriteFile(filepath.Join(own(), "early"), nil, 0o600) }
	})
	register("talks-early", func(p *behaviour) {
		p.opened = func(r *run) { r.log("here I am") }
	})
	register("runs-anyway", whenCalledOff(func() {
		_ = os.WriteFile(filepath.Join(own(), "anyway"), nil, 0o600)
		os.Exit(0)
	}))
	register("waits-when-called-off", whenCalledOff(func() { time.Sleep(longer()) }))
}

// whenCalledOff is the fault of a plugin that does something when its stream, its
// lifeline or its server ends and Start has not come.
func whenCalledOff(do func()) func(*behaviour) {
	return func(p *behaviour) {
		var opened, started atomic.Bool
		once := sync.OnceFunc(do)
		unstarted := func() {
			if opened.Load() && !started.Load() {
				once()
			}
		}
		p.opened = func(*run) { opened.Store(true) }
		p.calledOff = func(*run) { unstarted() }
		p.served = unstarted
		p.hungUp = func() {
			unstarted()
			os.Exit(0)
		}
		p.rehearse = func(r *run) error {
			started.Store(true)
			return rehearse(r)
		}
	}
}

// lasting is a dry run that outlasts the grace unless it is stopped.
func lasting(r *run) error {
	if _, err := r.begin(); err != nil {
		return r.finish(err.Error())
	}
	if !r.pause(longer()) {
		return r.finish("stopped")
	}
	return r.finish("")
}
