package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const statusLong = `Shows how the daemon is: whether the lever is engaged, what runs, what is to be
undone, and which limits are reached.

Exit codes: 0 shown, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newStatus(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the lever, what runs, what is to be undone and which limits are reached",
		Long:  statusLong,
		Args:  noArguments,
	}
	r := newRemote(cmd, p, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			status, err := c.Status(ctx)
			if err != nil {
				return refused(err)
			}
			writeWarnings(r.stderr, status.Warnings)
			if r.asJSON() {
				return writeJSON(r.stdout, status.Raw)
			}
			return writeStatus(r.stdout, c.Server(), status)
		})
	}
	return cmd
}

func writeStatus(w io.Writer, server string, s client.Status) error {
	_, err := fmt.Fprintf(w, "cmed %s at %s\nlever:  %s\nruns:   %s\nundos:  %s\nlimits: %s\n",
		printable(s.Version), server, leverWords(s.Lever), runWords(s), undoWords(s), limitWords(s.Limits))
	return err
}

func leverWords(l client.Lever) string {
	if !l.Engaged {
		return "released: executors start when they are due"
	}
	text := fmt.Sprintf("ENGAGED by %s at %s (%s): nothing starts", printable(l.By), toSeconds(l.At), printable(l.Reason))
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
func undoWords(s client.Status) string {
	var words []string
	if s.Undos.Failed > 0 {
		words = append(words, fmt.Sprintf("%d FAILED, NOT undone (see cmed undos)", s.Undos.Failed))
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

func limitWords(limits []client.Limit) string {
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
	return "REACHED: " + strings.Join(reached, ", ")
}
