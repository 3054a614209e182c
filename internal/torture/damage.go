package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
)

// liveOnCopy freezes the daemon, wherever it is in a commit, copies its store,
// kills it and puts the copy in the store's place.
func (p *player) liveOnCopy() error {
	if err := p.daemon.freeze(); err != nil {
		return err
	}
	torn := p.database() + ".torn"
	if err := copyFile(p.database(), torn); err != nil {
		return err
	}
	if err := p.daemon.kill(); err != nil {
		return err
	}
	if err := os.Rename(torn, p.database()); err != nil {
		return fmt.Errorf("put the copy in place: %w", err)
	}
	return nil
}

// freeze stops the daemon and returns when all of its threads stand still.
func (d *daemon) freeze() error {
	if err := d.command.Process.Signal(syscall.SIGSTOP); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("freeze the daemon: %w", err)
	}
	deadline := time.Now().Add(callBound)
	for d.runs() && d.moving() {
		if time.Now().After(deadline) {
			return errors.New("the daemon could not be frozen")
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// moving says whether a thread of the daemon is not stopped (proc(5)).
func (d *daemon) moving() bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", d.command.Process.Pid)) // the pattern is right
	for _, path := range stats {
		stat, err := os.ReadFile(path) //nolint:gosec // in /proc
		if err != nil {
			continue // it has ended
		}
		if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "T") {
			return true
		}
	}
	return false
}

// damage is one way to damage a store.
type damage struct {
	name string
	// rot is set for pages that go bad in the middle of the file. What is torn
	// (a commit or a copy that was cut short) must be refused in words, if it
	// can't be opened; of rot, which no check at the start can see, a daemon may
	// die, as long as it runs nothing again.
	rot  bool
	make func(c chance, content []byte) []byte
}

var damages = []damage{
	{name: "cut off", make: func(c chance, content []byte) []byte { return content[:c.IntN(len(content))] }},
	{name: "its end zeroed", make: func(c chance, content []byte) []byte {
		clear(content[c.IntN(len(content)):])
		return content
	}},
	{name: "a meta page torn", make: func(c chance, content []byte) []byte {
		// bbolt keeps two, in the first two pages, and uses the newer valid one.
		at := c.IntN(2)*os.Getpagesize() + 16 + c.IntN(48)
		content[at] ^= byte(c.upTo(255))
		return content
	}},
	{name: "a page of garbage", rot: true, make: func(c chance, content []byte) []byte {
		page := pageInUse(c, content)
		for i := range page {
			page[i] = byte(c.Uint32())
		}
		return content
	}},
	{name: "a page of zeros", rot: true, make: func(c chance, content []byte) []byte {
		clear(pageInUse(c, content))
		return content
	}},
}

// pageInUse picks a page of the store that is not empty.
func pageInUse(c chance, content []byte) []byte {
	size := os.Getpagesize()
	var used [][]byte
	for page := range slices.Chunk(content, size) {
		if slices.ContainsFunc(page, func(b byte) bool { return b != 0 }) {
			used = append(used, page)
		}
	}
	return pick(c, used)
}

// startDamaged starts a daemon on a damaged copy of the settled store, in which
// every executor has come to its end.
func (p *player) startDamaged() error {
	content, err := os.ReadFile(p.database())
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	what := pick(p.chance, damages)
	file := filepath.Join(p.dir, "damaged.db")
	if err := os.WriteFile(file, what.make(p.chance, content), 0o600); err != nil {
		return fmt.Errorf("write the damaged store: %w", err)
	}
	whole := p.file
	p.file = file
	defer func() { p.file = whole }()
	ran, before := len(lines(script.Runs(p.dir))), len(p.logged())
	err = p.launch(p.ctx, "")
	switch {
	case errors.Is(err, errDied):
		p.notes["a damaged store was refused"]++
		if !what.rot {
			p.endedClearly("a store that was damaged ("+what.name+")", p.logged()[before:])
		}
	case err != nil:
		return err
	default:
		p.notes["a damaged store was opened"]++
		if p.useDamaged() {
			p.terminate()
		} else {
			p.notes["a daemon died of damage that it met later"]++
		}
	}
	if now := len(lines(script.Runs(p.dir))); now != ran {
		p.report(doubleFire, "on a store that was damaged (%s) %d runs began again", what.name, now-ran)
	}
	return os.Remove(file)
}

// useDamaged reads all of a damaged store, and leaves time for what should not
// run. Answers may tell of the damage. It says whether the daemon is alive.
func (p *player) useDamaged() bool {
	for _, path := range []string{"/plans/?all=true", "/executors/?executed=true"} {
		_, _ = p.daemon.client.call(p.ctx, http.MethodGet, path, nil, nil) // any answer will do
	}
	select {
	case <-time.After(lead / 3):
	case <-p.daemon.exited:
	case <-p.ctx.Done():
	}
	return p.daemon.runs()
}
