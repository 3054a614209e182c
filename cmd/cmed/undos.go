package main

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
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
	addUndoList(cmd, p)
	list := &cobra.Command{Use: "list", Short: "Show the records, as cmed undos does", Long: undosLong, Args: noArguments}
	addUndoList(list, p)
	cmd.AddCommand(list, newRetry(p), newAbandon(p))
	return cmd
}

func addUndoList(cmd *cobra.Command, p program) {
	var all bool
	cmd.Flags().BoolVar(&all, "all", false, "show all, those undone or abandoned too")
	r := newRemote(cmd, p, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return r.listUndos(ctx, c, all)
		})
	}
}

// unfinished are the states of records that somebody may have to look after.
var unfinished = []string{"open", "undoing", "kept", "failed"}

func (r *remote) listUndos(ctx context.Context, c *client.Client, all bool) error {
	list, empty := func() ([]client.Undo, error) { return c.Undos(ctx, unfinished...) }, "nothing is left to undo"
	if all {
		list, empty = func() ([]client.Undo, error) { return c.AllUndos(ctx) }, "there are no undo records"
	}
	records, err := list()
	if err != nil {
		return err
	}
	if r.forPrograms() {
		return r.write(map[string]any{"undos": undoDocuments(records)})
	}
	if err := r.table(undoTable(records, time.Now()), empty); err != nil || all {
		return err
	}
	if status, err := c.Status(ctx); err == nil && status.Undos.Abandoned > 0 { // the list itself could be had
		r.say("%d given up (cmed undos --all)", status.Undos.Abandoned)
	}
	return nil
}

func undoDocuments(records []client.Undo) []json.RawMessage {
	return raws(records, func(u client.Undo) json.RawMessage { return u.Raw })
}

func undoTable(records []client.Undo, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "STATE", "ATTACK", "DESCRIPTION", "MADE", "ATTEMPTS")
	for _, u := range records {
		text := u.Description
		switch {
		case u.Abandoned != nil && u.State == "abandoned":
			text += " (given up by " + u.Abandoned.By + ": " + u.Abandoned.Reason + ")"
		case u.Message != "":
			text += " (" + u.Message + ")"
		}
		table.Row(u.ID, u.State, u.AttackRef, text, screen.Instant(u.Created, now), strconv.Itoa(u.Attempts))
	}
	return table
}

func newRetry(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retry ID",
		Short: "Have a record executed now, with a full count of attempts",
		Args:  oneArgument("the id of an undo record"),
	}
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(undoIDs)
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
	cmd.ValidArgsFunction = r.complete(undoIDs)
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
		return err
	}
	r.warn(u.Warnings)
	if r.forPrograms() {
		return r.write(u.Raw)
	}
	r.say("%s (%s) %s", printable(u.ID), printable(u.AttackRef), words)
	return nil
}
