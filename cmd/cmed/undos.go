package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const undosLong = `Shows the undo records that are neither undone nor abandoned: those that wait,
those whose undo failed, and those whose effect their plan left in place. With
--all it shows every record.

Exit codes: 0 shown, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newUndos(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "undos",
		Short: "Show the undo records that are not settled; retry or abandon one",
		Long:  undosLong,
		Args:  noArguments,
	}
	var all bool
	cmd.Flags().BoolVar(&all, "all", false, "show all, those undone or abandoned too")
	r := newRemote(cmd, p, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return r.listUndos(ctx, c, all)
		})
	}
	cmd.AddCommand(newRetry(p), newAbandon(p))
	return cmd
}

// unfinished are the states of records that somebody may have to look after.
var unfinished = []string{"open", "undoing", "kept", "failed"}

func (r *remote) listUndos(ctx context.Context, c *client.Client, all bool) error {
	list := func() ([]client.Undo, error) { return c.Undos(ctx, unfinished...) }
	if all {
		list = func() ([]client.Undo, error) { return c.AllUndos(ctx) }
	}
	records, err := list()
	if err != nil {
		return refused(err)
	}
	if r.asJSON() {
		documents := make([]json.RawMessage, len(records))
		for i, u := range records {
			documents[i] = u.Raw
		}
		return writeJSON(r.stdout, map[string]any{"undos": documents})
	}
	if len(records) == 0 {
		words := "nothing is left to undo"
		if all {
			words = "there are no undo records"
		}
		fmt.Fprintln(r.stdout, words)
		return nil
	}
	return writeUndoTable(r.stdout, records, time.Now())
}

func writeUndoTable(w io.Writer, records []client.Undo, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tATTACK\tATTEMPTS\tMADE\tDESCRIPTION")
	for _, u := range records {
		text := u.Description
		switch {
		case u.Abandoned != nil && u.State == "abandoned":
			text += " (given up by " + u.Abandoned.By + ": " + u.Abandoned.Reason + ")"
		case u.Message != "":
			text += " (" + u.Message + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", printable(u.ID), printable(u.State), printable(u.AttackRef),
			u.Attempts, fromNow(u.Created.Sub(now)), printable(text))
	}
	return table.Flush()
}

func newRetry(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retry ID",
		Short: "Have a record executed now, with a full count of attempts",
		Args:  oneArgument("the id of an undo record"),
	}
	r := newRemote(cmd, p, "text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			record, err := c.RetryUndo(ctx, args[0])
			return r.showUndo(record, "is being undone; cmed undos shows whether it still is to be", err)
		})
	}
	return cmd
}

func newAbandon(p program) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "abandon ID --reason TEXT",
		Short: "Give a record up: its effect is left in place",
		Args:  oneArgument("the id of an undo record"),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why the effect is left in place; kept with the record")
	r := newRemote(cmd, p, "text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if reason == "" {
			return usagef("--reason is missing: say why the effect is left in place")
		}
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			record, err := c.AbandonUndo(ctx, args[0], whoAmI(), reason)
			return r.showUndo(record, "is given up; its effect is left in place", err)
		})
	}
	return cmd
}

// showUndo tells what became of a record.
func (r *remote) showUndo(u client.Undo, words string, err error) error {
	if err != nil {
		return refused(err)
	}
	writeWarnings(r.stderr, u.Warnings)
	if r.asJSON() {
		return writeJSON(r.stdout, u.Raw)
	}
	fmt.Fprintf(r.stdout, "%s (%s) %s\n", printable(u.ID), printable(u.AttackRef), words)
	return nil
}
