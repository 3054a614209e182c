package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const haltLong = `Engages the lever: from the moment the daemon answers nothing starts, and what
runs is stopped and undone. The lever stays engaged, over restarts too, until
"cmed resume".

A daemon that can't be reached is tried again for a minute (--wait), as one that
restarts, unless nothing says that there is one: no address was named, and none died
in this folder. With --no-wait it is tried once.

Waits until everything is stopped and undone. Exit codes: 0 it is, or with
--no-wait: the lever is engaged; 1 the daemon can't be reached, or not
everything came to rest in time; 2 wrong flag; 4 something could not be undone.

Without the API, the lever is engaged by SIGUSR1 and by the halt file.`

const (
	// lookEvery is how often a wait for the lever asks how far it is.
	lookEvery = 250 * time.Millisecond
	// engagedSoon is how long a daemon that is away may take to come back and engage
	// the lever before somebody who waits for it is told of the other ways. One that
	// does not answer is told of by the client, as soon.
	engagedSoon = 2 * time.Second
	// leastCall is what a daemon may take to engage the lever, however short the wait.
	leastCall = 5 * time.Second
)

// halting is one call of cmed halt.
type halting struct {
	*remote
	wait   time.Duration
	noWait bool
	maybe  bool  // a call broke off behind the connecting
	away   error // why the last one had no answer
}

func newHalt(p program) *cobra.Command {
	h := &halting{}
	cmd := &cobra.Command{
		Use:   "halt [reason...]",
		Short: "Stop and undo everything that runs, and let nothing start",
		Long:  haltLong,
		Args:  cobra.ArbitraryArgs,
	}
	h.remote = newRemote(cmd, p, "text")
	h.where.overSocket = true
	h.tellWaiting = sync.OnceFunc(h.tellOtherWays)
	cmd.Flags().DurationVar(&h.wait, "wait", time.Minute, "how long to try to reach the daemon, and then to wait until everything is stopped and undone")
	cmd.Flags().BoolVar(&h.noWait, "no-wait", false, "do not wait")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if h.wait <= 0 {
			return usagef("--wait: %s is not more than 0; --no-wait does not wait", h.wait)
		}
		c, err := h.client()
		if err != nil {
			return h.withoutClient(err)
		}
		return h.runWith(cmd.Context(), c, func(ctx context.Context, c *client.Client) error {
			return h.halt(ctx, c, strings.Join(args, " "))
		})
	}
	return cmd
}

// halt engages the lever and sees it through.
func (h *halting) halt(ctx context.Context, c *client.Client, reason string) error {
	lever, err := h.engage(ctx, c, reason)
	if err != nil {
		return h.withoutTheAPI(err)
	}
	h.warn(lever.Warnings)
	if !h.forPrograms() {
		fmt.Fprintf(h.stdout, "%s is engaged by %s (%s): nothing starts\n",
			h.leverName(), printable(lever.By), printable(lever.Reason))
	}
	already := alreadyWords(lever)
	if h.noWait {
		return h.show(lever, strings.TrimSuffix(already, ": "))
	}
	limit, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	lever, err = awaitRest(limit, c, lever, newProgressLine(h.stderr, h.screenOf(h.stderr)))
	if err != nil {
		return errors.Join(h.show(lever, ""), fmt.Errorf("the lever is engaged, but %w", err))
	}
	if err := h.show(lever, already+stopWords(lever.Stop)); err != nil {
		return err
	}
	if err := unsettled(ctx, c); err != nil {
		return err
	}
	if lever.Stop != nil && lever.Stop.NotUndone > 0 {
		return &exitError{code: exitNotUndone} // its words say it
	}
	return nil
}

// engage engages the lever. A daemon that is away is tried again, since it may be
// about to start; then it says how else to halt.
func (h *halting) engage(ctx context.Context, c *client.Client, reason string) (client.Lever, error) {
	start := time.Now()
	for {
		lever, err := h.engageOnce(ctx, c, reason, max(h.wait-time.Since(start), leastCall))
		h.maybe = h.maybe || client.MayBeDone(err)
		away := client.Passing(err) && !client.Mute(err)
		if !away || h.noWait || time.Since(start) > h.wait || !h.expectsOne() {
			return lever, err
		}
		h.away = err
		if time.Since(start) > engagedSoon {
			h.tellWaiting()
		}
		if !sleep(ctx, lookEvery) {
			return lever, err
		}
	}
}

func (h *halting) engageOnce(ctx context.Context, c *client.Client, reason string, limit time.Duration) (client.Lever, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, client.Silence(limit.Round(time.Second)))
	defer cancel()
	return c.Halt(ctx, whoAmI(), reason)
}

// expectsOne says whether there should be a daemon where one is called: somebody
// named the place, or it is the socket of this folder.
func (h *halting) expectsOne() bool {
	return h.daemon.from != "" || strings.HasPrefix(h.daemon.server, "unix:")
}

// tellOtherWays says that there is no answer yet, and how else to halt.
func (h *halting) tellOtherWays() {
	why := ""
	if h.away != nil {
		why = fmt.Sprintf(" (%v)", h.away)
	}
	ways := h.otherWays(h.daemon.isHere(h.program))
	fmt.Fprint(h.stderr, printableLines(fmt.Sprintf("no answer from %s yet%s; still trying\n%s\n", h.daemon.name(), why, ways)))
}

// show writes the lever: its document, or words.
func (h *halting) show(lever client.Lever, words string) error {
	if h.forPrograms() {
		return h.write(lever.Raw)
	}
	if words != "" {
		fmt.Fprintln(h.stdout, words)
	}
	return nil
}

// awaitRest waits until all is stopped and undone. It returns what it last saw.
func awaitRest(ctx context.Context, c *client.Client, lever client.Lever, line *progressLine) (client.Lever, error) {
	defer line.clear()
	for lever.Stopping+lever.Undoing > 0 {
		left := fmt.Sprintf("%s to stop, %s to undo", count(lever.Stopping, "run"), count(lever.Undoing, "record"))
		line.show("still " + left)
		select {
		case <-ctx.Done():
			return lever, fmt.Errorf("not everything is at rest yet: %s (the daemon goes on; see cmed undos)", left)
		case <-time.After(lookEvery):
		}
		now, err := c.Lever(ctx)
		if err != nil && ctx.Err() == nil {
			return lever, fmt.Errorf("what became of it can't be seen: %w", err)
		}
		if err == nil {
			lever = now
		}
	}
	return lever, nil
}

// alreadyWords tells who engaged the lever before this call, "" when nobody did.
func alreadyWords(lever client.Lever) string {
	if !lever.Already {
		return ""
	}
	return fmt.Sprintf("it was engaged already, by %s at %s: ", printable(lever.By), toSeconds(lever.At))
}

// stopWords tells what was stopped and how its undo ended.
func stopWords(stop *client.Stop) string {
	if stop == nil || stop.Runs+stop.NotUndone == 0 {
		return "nothing was running"
	}
	text := fmt.Sprintf("stopped %s", count(stop.Runs, "run"))
	if stop.Gone > 0 {
		text += fmt.Sprintf(" in %s", milliseconds(stop.Gone))
	}
	undone := milliseconds(stop.Undone)
	switch {
	case stop.NotUndone == 0 && stop.Undone > 0:
		text += fmt.Sprintf("; undone after %s", undone)
	case stop.NotUndone > 0 && stop.Undone > 0:
		text += fmt.Sprintf("; its undo ended after %s, %s NOT undone (see cmed undos)", undone, count(stop.NotUndone, "record"))
	case stop.NotUndone > 0:
		text += fmt.Sprintf("; %s NOT undone (see cmed undos)", count(stop.NotUndone, "record"))
	}
	return text
}

func milliseconds(ms float64) time.Duration {
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond)
}

// unsettled returns an error when there are records that could not be undone.
func unsettled(ctx context.Context, c *client.Client) error {
	records, err := c.Undos(ctx, "failed", "open", "undoing")
	if err != nil {
		return fmt.Errorf("everything is stopped, but whether all is undone can't be seen: %w", err)
	}
	if len(records) > 0 {
		return &exitError{exitNotUndone, fmt.Errorf("everything is stopped, but %s not undone: see cmed undos", isOrAre(len(records), "undo record"))}
	}
	return nil
}

func isOrAre(n int, thing string) string {
	if n == 1 {
		return count(n, thing) + " is"
	}
	return count(n, thing) + " are"
}

// leverName is the lever, with its daemon unless the command names that, or it is
// certainly the one of this folder.
func (r *remote) leverName() string {
	if r.daemon.from == serverFlag || r.daemon.isHere(r.program) {
		return "the lever"
	}
	return "the lever of " + r.daemon.name()
}
