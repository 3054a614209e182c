package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
			return o.write(r.stdout, r.screen(), printable(c.Server()))
		})
	}
	return cmd
}

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
		{"failed in the last day", failureTable(o.failures, s, o.at)},
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
	if o.unrun.blocked > 0 {
		said = append(said, fmt.Sprintf("%d blocked", o.unrun.blocked))
	}
	if o.unrun.missed > 0 {
		said = append(said, fmt.Sprintf("%d missed", o.unrun.missed))
	}
	if len(said) == 0 {
		return nil
	}
	if o.unrun.more {
		said = append(said, "and more")
	}
	_, err := fmt.Fprintf(w, "\ndid not run in the last day: %s (cmed executor list --state %s --from %s)\n",
		strings.Join(said, ", "), strings.Join(refusedStates, ","), lastDay(o.at))
	return err
}
