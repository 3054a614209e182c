package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/failpoint"
	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

const storeFamily = "a bad store"

// storeCases are the cases of a store that fails.
func storeCases() []torment {
	list := []torment{
		{name: "a full disk", family: storeFamily, play: onSmallDisk((*player).fullDisk)},
		{name: "a read-only disk at start", family: storeFamily, play: onSmallDisk((*player).readOnlyDisk)},
		{name: "a torn database", family: storeFamily, play: (*player).tornDatabase},
	}
	for _, errno := range []string{"ENOSPC", "EIO", "EROFS"} {
		list = append(list, torment{name: "commits fail with " + errno, family: storeFamily, prepare: func(c chance) round {
			r := crowd(c, inFlight)
			r.failpoints = fmt.Sprintf("%s=error(%s)@%d+", failpoint.StoreCommit, errno, c.upTo(40))
			r.act, r.after = actKill, c.between(2*time.Second, 4*time.Second)
			return r
		}})
	}
	return list
}

// fullDisk fills the disk while runs are under way and others wait. What runs is
// undone, no plan is accepted, the lever still works durably, and once there is
// room all goes on without a restart; every other time the daemon is killed in
// between. Those that wait fire once or not yet: a claim may still find room
// within the store's own file.
func (p *player) fullDisk() error {
	filler := filepath.Join(filepath.Dir(p.database()), "filler")
	return p.steps(
		p.startPlainly,
		p.harmBeforeFull,
		func() error { return fill(filler) },
		func() error {
			return p.await("the harm to be undone on a full disk", func() bool { return p.harms() == 0 })
		},
		p.refusedAsFull,
		p.leverOnFullDisk,
		func() error {
			if p.oneIn(2) {
				return nil
			}
			return p.steps(p.daemon.kill, func() error { return p.succeed("", false) })
		},
		func() error { return os.Remove(filler) },
		func() error {
			p.post(round{timeout: time.Minute, scripts: []script.Script{{Records: 1, End: script.Heal}}})
			return p.conclude(round{})
		},
	)
}

// harmBeforeFull has runs do their harm, and posts others that wait.
func (p *player) harmBeforeFull() error {
	p.fate.full = true
	now := round{timeout: time.Minute}
	for range 4 {
		now.scripts = append(now.scripts, script.Script{Records: 2, End: script.Fail, Hold: sdk.Duration(2 * time.Second)})
	}
	p.post(now)
	err := p.await("the runs to do their harm", func() bool {
		return len(lines(script.Runs(p.dir))) == len(now.scripts) && p.harms() == 2*len(now.scripts)
	})
	p.post(round{timeout: time.Minute, scripts: []script.Script{{Records: 1, End: script.Heal}, {End: script.Heal}}})
	return err
}

// harms counts the harms that are in place.
func (p *player) harms() int {
	entries, _ := os.ReadDir(filepath.Dir(script.Harm(p.dir, "x", 1))) // the folder is there
	return len(entries)
}

// await waits until something is so.
func (p *player) await(what string, so func() bool) error {
	deadline := time.Now().Add(settleBound / 3)
	for !so() {
		if time.Now().After(deadline) {
			p.report(violation, "waited in vain for %s; the log ends with %s", what, p.lastWords())
			return nil
		}
		select {
		case <-time.After(lookEvery):
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
	return nil
}

// refusedAsFull wants plans to be answered with 507 once the room within the
// store's own file is used up, and nothing of the one that was refused stored.
func (p *player) refusedAsFull() error {
	large := make([]script.Script, 4000)
	for i := range large {
		large[i] = script.Script{Dir: p.dir, End: script.Heal}
	}
	for n := range mostLargePlans {
		name := fmt.Sprintf("large %d", n)
		body := planBody(name, script.Attack, large, time.Now().Add(time.Hour), apart, time.Minute)
		a, err := p.daemon.client.call(p.ctx, http.MethodPost, "/plans/", body, nil)
		switch {
		case err == nil && a.status == http.StatusOK:
			continue
		case err != nil || a.status != http.StatusInsufficientStorage:
			p.report(violation, "a plan was answered with %s on a full disk: %v", a, err)
		}
		if ids, err := p.daemon.client.plans(p.ctx); err != nil || ids[name] != "" {
			p.report(violation, "the refused plan is there: %q, %v", ids[name], err)
		}
		return nil
	}
	p.report(violation, "%d plans of %d executors were accepted on a full disk", mostLargePlans, len(large))
	return nil
}

// mostLargePlans is more large plans than the small disk has room for.
const mostLargePlans = 60

// leverOnFullDisk engages and releases the lever.
func (p *player) leverOnFullDisk() error {
	p.halt()
	err := p.checkLever()
	p.latched = false
	return err
}

// readOnlyDisk has a daemon start on a store that can't be written: it must say
// so and end.
func (p *player) readOnlyDisk() error {
	disk := filepath.Dir(p.database())
	remount := func(mode string) error {
		if out, err := mount("-o", "remount,"+mode, disk); err != nil {
			return fmt.Errorf("mount the disk as %s: %w: %s", mode, err, out)
		}
		return nil
	}
	return p.steps(
		p.startPlainly,
		func() error {
			p.post(round{timeout: time.Minute, scripts: []script.Script{{Records: 1, End: script.Fail}, {End: script.Heal}}})
			return p.conclude(round{})
		},
		func() error { return remount("ro") },
		func() error { p.refusesToStart("a read-only disk"); return nil },
		func() error { return remount("rw") },
		p.startPlainly,
		p.end,
	)
}

// refusesToStart wants a start to fail with a message, and not by a crash.
func (p *player) refusesToStart(why string) {
	before := len(p.logged())
	err := p.launch(p.ctx, "")
	if !errors.Is(err, errDied) {
		p.report(violation, "the daemon started on %s: %v", why, err)
		return
	}
	p.endedClearly(why, p.logged()[before:])
}

// endedClearly wants a daemon that has ended to have said why in words.
func (p *player) endedClearly(why, said string) {
	state := p.daemon.command.ProcessState
	crashed := strings.Contains(said, "goroutine ") || strings.Contains(said, "panic") || !state.Exited()
	if crashed || state.ExitCode() == 0 || !strings.Contains(said, "cmed: ") {
		p.report(violation, "on %s the daemon ended with %v and said %.2000s", why, state, said)
	}
}

func (w *world) logged() string {
	text, err := os.ReadFile(w.log())
	if err != nil {
		return ""
	}
	return string(text)
}

// tornDatabase copies the store of a frozen daemon at a random instant, and has
// the next daemon live on that copy; then it damages copies of the settled store,
// on which a daemon must either work or refuse, and never run anything again.
func (p *player) tornDatabase() error {
	return p.steps(
		p.startPlainly,
		func() error {
			p.post(crowd(p.chance, inFlight))
			select {
			case <-time.After(p.between(lead-300*time.Millisecond, lead+time.Second)):
				return nil
			case <-p.ctx.Done():
				return p.ctx.Err()
			}
		},
		p.liveOnCopy,
		func() error { return p.conclude(round{}) },
		func() error { return p.steps(slices.Repeat([]func() error{p.startDamaged}, damagedStarts)...) },
	)
}

// damagedStarts is how many damaged copies a round tries.
const damagedStarts = 8

// copyFile copies a file as it is at this moment.
func copyFile(from, to string) error {
	source, err := os.Open(from) //nolint:gosec // our own folder
	if err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	defer source.Close()                                                      //nolint:errcheck // only read from
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	_, err = io.Copy(target, source)
	if err := errors.Join(err, target.Close()); err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	return nil
}
