package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const eventsLong = `Shows what has changed lately, as far as the daemon remembers: plans, executors, undo
records, the lever and plugins. With --follow it shows what changes from now on, until
it is interrupted; if the daemon is gone meanwhile, for 15 minutes at most, it takes the
stream up again and says so when changes may be missing.

With -o each event is a document: JSON on a line, or YAML.

Exit codes: 0 shown, 1 refused or the daemon can't be reached, 2 wrong flag.`

// eventShowing is one call of cmed events.
type eventShowing struct {
	*remote
	query  client.EventQuery
	follow bool
}

func newEvents(p program) *cobra.Command {
	s := &eventShowing{}
	cmd := &cobra.Command{Use: "events", Short: "Show what changes, as it changes", Long: eventsLong, Args: noArguments}
	flags := cmd.Flags()
	flags.BoolVarP(&s.follow, "follow", "f", false, "show what changes from now on")
	flags.StringSliceVar(&s.query.Types, "type", nil, "only these `types`, such as executor,undo or lever.engaged")
	flags.StringVar(&s.query.Plan, "plan", "", "only what concerns the plan with this `id`")
	flags.StringVar(&s.query.Executor, "executor", "", "only what concerns the executor with this `id`")
	flags.StringVar(&s.query.After, "after", "", "what came behind the event with this `id`")
	s.remote = newRemote(cmd, p, "text")
	completeWords(cmd, "type", eventTypes())
	s.completeFlag(cmd, "plan", planIDs(false))
	s.completeFlag(cmd, "executor", executorIDs(client.ExecutorQuery{}))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkWords("type", s.query.Types, eventTypes()); err != nil {
			return err
		}
		return s.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return s.whileRead(ctx, func(ctx context.Context, out io.Writer) error { return s.show(ctx, c, out) })
		})
	}
	return cmd
}

// show shows the events until there are no more, or somebody has seen enough.
func (s *eventShowing) show(ctx context.Context, c *client.Client, out io.Writer) error {
	s.query.Past = !s.follow
	f := newFollowing(s.stderr, "the stream")
	begun := sync.OnceFunc(func() {
		if s.follow && s.screenOf(s.stderr).Width > 0 { // a terminal, dumb or not
			fmt.Fprintf(s.stderr, "waiting for events of %s; Ctrl-C ends\n", s.daemon.name())
		}
	})
	s.query.Opened = func() {
		f.opened()
		begun()
	}
	var failed error
	for {
		last, err := c.Events(ctx, s.query, func(change client.Change) bool {
			failed = s.showChange(out, change)
			return failed == nil
		})
		s.query.After = last
		switch {
		case failed != nil:
			return failed
		case err == nil:
			return nil
		case !s.follow && ctx.Err() == nil:
			return err
		}
		if again, err := f.again(ctx, err); !again {
			return err
		}
	}
}

func (s *eventShowing) showChange(out io.Writer, change client.Change) error {
	if s.forPrograms() {
		return s.output.writeOne(out, change.Raw)
	}
	return writeChange(out, s.screen(), change)
}

// writeChange shows a change on a line.
func writeChange(w io.Writer, s screen.Screen, change client.Change) error {
	at := change.At.Format(time.RFC3339)
	if change.At.IsZero() {
		at = "-"
	}
	kind, state := changeWords(change)
	_, err := fmt.Fprintf(w, "%s  %s  %s\n", at, s.Paint(screen.OfState(state), printable(change.Type)), printable(kind))
	return err
}

// changeWords tell what changed, and the state it is in now.
func changeWords(change client.Change) (words, state string) {
	switch {
	case change.Type == client.Reset:
		return "changes may be missing: read the lists anew", "open"
	case change.Executor != nil:
		e := change.Executor
		words := e.ID + " " + e.AttackRef
		if e.DryRun {
			words += ", a dry run"
		}
		if e.Reason != "" {
			words += " (" + e.Reason + ")"
		}
		return words, e.State
	case change.Undo != nil:
		return change.Undo.ID + " " + change.Undo.AttackRef + " " + change.Undo.Description, change.Undo.State
	case change.Plan != nil:
		return change.Plan.ID + " " + planName(*change.Plan), ""
	case change.Lever != nil && change.Lever.Engaged:
		return "by " + change.Lever.By + " (" + change.Lever.Reason + ")", "failed"
	case change.Lever != nil:
		return "executors start when they are due", "ok"
	case change.Plugin != nil:
		return change.Plugin.Kind + " " + change.Plugin.Path, change.Plugin.State
	default:
		return "", ""
	}
}
