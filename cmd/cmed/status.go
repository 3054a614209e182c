package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const statusLong = `Shows on one screen how the daemon is: whether the lever is engaged, what runs and
what comes next, what has failed in the last day, what is still to be undone, which
limits are reached and which plugins are in trouble.

Exit codes: 0 shown, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newStatus(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show on one screen how the daemon is",
		Long:  statusLong,
		Args:  noArguments,
	}
	r := newRemote(cmd, p, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			o, err := look(ctx, c, time.Now())
			if err != nil {
				return err
			}
			r.warn(o.status.Warnings)
			if r.forPrograms() {
				doc, err := o.document()
				if err != nil {
					return err
				}
				return r.write(doc)
			}
			return o.write(r.stdout, r.screen(), c.Server())
		})
	}
	return cmd
}

// overview is what stands on the screen.
type overview struct {
	at       time.Time
	status   client.Status
	me       client.Me
	running  []client.Executor
	next     []client.Executor
	failures []client.Executor // the last of the last day
	blocked  int               // of the last day
	missed   int               // of the last day
	undos    []client.Undo     // that are not settled
	plugins  []client.Plugin   // in trouble
}

const (
	// fewRows is how many of a thing the screen has room for.
	fewRows = 5
	// failedWithin is how old the failures are that it shows.
	failedWithin = 24 * time.Hour
	// mostFailures bounds how many are looked through for the last.
	mostFailures = 5000
)

// What the parts of the screen ask for.
var (
	runningStates = []string{"starting", "running"}
	failureStates = []string{"failed", "timed_out", "crashed", "lost"}
	openUndos     = []string{"failed", "open", "undoing"}
	troubles      = map[string]bool{"broken": true, "conflict": true, "incompatible": true}
)

// look asks the daemon for all of it.
func look(ctx context.Context, c *client.Client, now time.Time) (o overview, err error) {
	o.at = now
	if o.status, err = c.Status(ctx); err != nil {
		return o, err
	}
	if o.me, err = c.Me(ctx); err != nil && !isNotFound(err) { // one from before there were keys
		return o, err
	}
	if o.running, _, err = c.Executors(ctx, client.ExecutorQuery{States: runningStates, Limit: fewRows}); err != nil {
		return o, err
	}
	if o.next, _, err = c.Executors(ctx, client.ExecutorQuery{States: []string{"scheduled"}, Limit: fewRows}); err != nil {
		return o, err
	}
	if o.failures, err = lastFailures(ctx, c, now); err != nil {
		return o, err
	}
	if o.blocked, o.missed, err = unrun(ctx, c, now); err != nil {
		return o, err
	}
	if o.status.Undos.Failed+o.status.Undos.Open+o.status.Undos.Undoing > 0 {
		if o.undos, err = c.Undos(ctx, openUndos...); err != nil {
			return o, err
		}
	}
	plugins, err := c.Plugins(ctx)
	for _, p := range plugins {
		if troubles[p.State] {
			o.plugins = append(o.plugins, p)
		}
	}
	return o, err
}

func isNotFound(err error) bool {
	refusal, ok := errors.AsType[*client.Refusal](err)
	return ok && refusal.Status == http.StatusNotFound
}

// lastFailures returns the last executors that ran and failed, the last one first.
func lastFailures(ctx context.Context, c *client.Client, now time.Time) ([]client.Executor, error) {
	failed, _, err := c.Executors(ctx, client.ExecutorQuery{
		States: failureStates, From: lastDay(now), Limit: mostFailures,
	})
	if err != nil {
		return nil, err
	}
	last := failed[max(0, len(failed)-fewRows):]
	slices.Reverse(last)
	return last, nil
}

// unrunStates are those of executors that were due and did not run.
const unrunStates = "blocked,missed"

// unrun counts the executors of the last day that were blocked, and missed.
func unrun(ctx context.Context, c *client.Client, now time.Time) (blocked, missed int, err error) {
	executors, _, err := c.Executors(ctx, client.ExecutorQuery{
		States: strings.Split(unrunStates, ","), From: lastDay(now), Limit: mostFailures,
	})
	for _, e := range executors {
		switch e.State {
		case "blocked":
			blocked++
		case "missed":
			missed++
		}
	}
	return blocked, missed, err
}

// lastDay is when the last day began, as the API reads dates.
func lastDay(now time.Time) string { return now.Add(-failedWithin).UTC().Format(time.RFC3339) }

// document is the status as the daemon tells it, and the rest of the screen.
func (o overview) document() (any, error) {
	var doc map[string]any
	if err := json.Unmarshal(o.status.Raw, &doc); err != nil {
		return nil, fmt.Errorf("read the status: %w", err)
	}
	if o.me.Role != "" {
		doc["me"] = o.me.Raw
	}
	doc["running"] = executorDocuments(o.running)
	doc["next"] = executorDocuments(o.next)
	doc["failures"] = executorDocuments(o.failures)
	doc["open_undos"] = undoDocuments(o.undos)
	doc["plugins_in_trouble"] = raws(o.plugins, func(p client.Plugin) json.RawMessage { return p.Raw })
	return doc, nil
}

func (o overview) write(w io.Writer, s screen.Screen, server string) error {
	_, err := fmt.Fprintf(w, "cmed %s at %s\n%slever:   %s\nruns:    %s\nundos:   %s\nlimits:  %s\n",
		printable(o.status.Version), server, meWords(o.me), leverWords(o.status.Lever, s, o.at), runWords(o.status),
		undoWords(o.status, s), limitWords(o.status.Limits, s))
	if err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		table *screen.Table
	}{
		{"running", runningTable(o.running, o.at)},
		{"next", nextTable(o.next, o.at)},
		{"failed in the last day", failureTable(o.failures, o.at)},
		{"to be undone", undoTable(o.undos[:min(len(o.undos), fewRows)], o.at)},
		{"plugins in trouble", troubleTable(o.plugins)},
	} {
		if part.table.Empty() {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", s.Paint(screen.Bold, part.title)); err != nil {
			return err
		}
		if err := part.table.Write(w, s); err != nil {
			return err
		}
	}
	return o.writeUnrun(w)
}

// writeUnrun is a line about what did not run, if there is any.
func (o overview) writeUnrun(w io.Writer) error {
	var said []string
	if o.blocked > 0 {
		said = append(said, fmt.Sprintf("%d blocked", o.blocked))
	}
	if o.missed > 0 {
		said = append(said, fmt.Sprintf("%d missed", o.missed))
	}
	if len(said) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\ndid not run in the last day: %s (cmed executor list --all --state %s --from %s)\n",
		strings.Join(said, ", "), unrunStates, lastDay(o.at))
	return err
}

// meWords are a line about who asks, "" when the daemon does not tell.
func meWords(me client.Me) string {
	if me.Role == "" {
		return ""
	}
	text := fmt.Sprintf("you:     %s (%s)", printable(me.Name), printable(me.Role))
	if limits := limitsWords(me.Limits); limits != "" {
		text += ", only " + printable(limits)
	}
	if me.Open {
		text += "; no key was made yet: everybody on the daemon's machine may do everything"
	}
	return text + "\n"
}

func leverWords(l client.Lever, s screen.Screen, now time.Time) string {
	if !l.Engaged {
		return s.Paint(screen.Green, "released") + ": executors start when they are due"
	}
	at := toSeconds(l.At)
	if t, err := time.Parse(time.RFC3339, l.At); err == nil {
		at = screen.Instant(t, now)
	}
	text := s.Paint(screen.Alarm, "ENGAGED") + fmt.Sprintf(" by %s at %s: %s; nothing starts", printable(l.By), at, printable(l.Reason))
	if l.Stopping+l.Undoing > 0 {
		text += fmt.Sprintf("; still %s to stop, %s to undo", count(l.Stopping, "run"), count(l.Undoing, "record"))
	}
	return text
}

func runWords(s client.Status) string {
	text := fmt.Sprintf("%d alive", s.Runs.Live)
	if s.Runs.Undoing > 0 {
		text += fmt.Sprintf(", %d being undone", s.Runs.Undoing)
	}
	return text
}

// undoWords counts the records, those that failed first.
func undoWords(s client.Status, look screen.Screen) string {
	var words []string
	if s.Undos.Failed > 0 {
		words = append(words, look.Paint(screen.Alarm, fmt.Sprintf("%d FAILED", s.Undos.Failed))+", NOT undone (see cmed undos)")
	}
	for _, state := range []struct {
		n    int
		name string
	}{
		{s.Undos.Open, "open"},
		{s.Undos.Undoing, "being undone"},
		{s.Undos.Undone, "undone"},
		{s.Undos.Kept, "kept"},
		{s.Undos.Abandoned, "abandoned"},
	} {
		if state.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", state.n, state.name))
		}
	}
	if len(words) == 0 {
		return "no records"
	}
	return strings.Join(words, ", ")
}

func limitWords(limits []client.Limit, s screen.Screen) string {
	var reached []string
	for _, l := range limits {
		if !l.Reached {
			continue
		}
		text := printable(l.Name) + " " + printable(l.Limit)
		if l.Used != nil {
			text += fmt.Sprintf(" (%d used)", *l.Used)
		}
		reached = append(reached, text)
	}
	if len(reached) == 0 {
		return "none reached"
	}
	return s.Paint(screen.Alarm, "REACHED") + ": " + strings.Join(reached, ", ")
}

func runningTable(executors []client.Executor, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "STATE", "FOR", "ATTACK", "NAME")
	for _, e := range executors {
		elapsed := ""
		if !e.Started.IsZero() {
			elapsed = screen.Span(max(0, now.Sub(e.Started)))
		}
		table.Row(e.ID, e.State, elapsed, e.AttackRef, e.Name)
	}
	return table
}

func nextTable(executors []client.Executor, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "DUE", "ATTACK", "NAME")
	for _, e := range executors {
		table.Row(e.ID, screen.Instant(e.NextRunTime, now), e.AttackRef, e.Name)
	}
	return table
}

func failureTable(executors []client.Executor, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "STATE", "ENDED", "ATTACK", "REASON")
	for _, e := range executors {
		table.Row(e.ID, e.State, screen.Instant(e.Finished, now), e.AttackRef, e.Reason)
	}
	return table
}

func troubleTable(plugins []client.Plugin) *screen.Table {
	table := screen.NewTable("FILE", "STATE", "REASON")
	for _, p := range plugins {
		reason := ""
		if p.Error != nil {
			reason = p.Error.Stage + ": " + p.Error.Message
		}
		table.Row(p.Kind+" "+p.Path, p.State, reason)
	}
	return table
}
