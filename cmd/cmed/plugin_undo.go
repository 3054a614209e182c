package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/byhand"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const pluginUndoLong = `Takes back what a run by hand left in place: executes the undo records in its
folder, the newest first, with the same binary that made them. It works after cmed
or the machine died in the middle of the run, too; what is left of its processes is
ended first. What can't be undone is kept; call it again, or give it up with
--abandon: then its effect stays in place, and the records are gone.

Without an argument it lists the folders of runs that have something to undo, or
that were cut off: by default those in ~/.local/state/cmed/byhand.

Exit codes: 0 nothing is left to undo, or the list was shown; 1 it failed before
anything could be undone; 2 wrong flag, or no such folder; 3 the run still goes on,
or somebody else undoes it; 4 something is still to be undone.`

func newPluginUndo(p program) *cobra.Command {
	u := &pluginUndo{}
	cmd := &cobra.Command{
		Use:   "undo [FOLDER]",
		Short: "Take back what a run by hand left, or list what there is",
		Long:  pluginUndoLong,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%q: cmed plugin undo takes one argument, the folder of a run", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := u.prepare(); err != nil {
				return err
			}
			if len(args) == 0 && u.abandon {
				return usagef("--abandon needs the folder of a run; without it, cmed plugin undo lists them")
			}
			if len(args) == 0 {
				return u.list()
			}
			return u.undo(cmd.Context(), args[0])
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&u.abandon, "abandon", false, "give up what is still to be undone: its effect stays in place")
	u.byHand = newByHand(cmd, p, undoOptions)
	cmd.ValidArgsFunction = u.complete
	return cmd
}

// pluginUndo is one call of cmed plugin undo.
type pluginUndo struct {
	*byHand
	abandon bool
}

// undo finishes what was left in a folder: a path, or a name from the list.
func (u *pluginUndo) undo(ctx context.Context, path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !strings.ContainsRune(path, filepath.Separator) {
		path = filepath.Join(u.stateDir, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("resolve the folder: %w", err)
	}
	if u.abandon {
		return u.giveUp(ctx, path)
	}
	interrupts, release := interruptions(u.signals)
	defer release()
	t := newTerminal(u.stderr, u.zone())
	defer t.close()
	settled, err := byhand.Undo(ctx, path, u.undoing(), interrupts, t, u.logger())
	t.begin("")
	if settled == nil {
		return explainByHand(err)
	}
	if u.forPrograms() {
		err = errors.Join(err, u.output.write(u.stdout, settled))
	} else {
		writeSettledByHand(u.stdout, settled)
	}
	if err == nil && settled.Left > 0 {
		return &exitError{code: exitNotUndone}
	}
	if settled.Left > 0 {
		return &exitError{exitNotUndone, explainByHand(err)}
	}
	return explainByHand(err)
}

// giveUp leaves in place what was to be undone.
func (u *pluginUndo) giveUp(ctx context.Context, folder string) error {
	settled, err := byhand.Abandon(ctx, folder, u.logger())
	if settled == nil {
		return explainByHand(err)
	}
	if u.forPrograms() {
		return errors.Join(explainByHand(err), u.output.write(u.stdout, settled))
	}
	given := 0
	for _, r := range settled.Records {
		if r.State != engine.RecordAbandoned {
			continue
		}
		given++
		fmt.Fprintf(u.stdout, "given up, its effect is left in place: %d  %s\n", r.Sequence, orElse(printable(r.Description), "(not described)"))
	}
	if given == 0 {
		fmt.Fprintln(u.stdout, "nothing was left to undo")
	}
	fmt.Fprintf(u.stdout, "the folder of the run is removed: %s\n", printable(settled.Folder))
	return explainByHand(err)
}

func writeSettledByHand(w io.Writer, s *byhand.Settled) {
	switch {
	case s.Left > 0:
		fmt.Fprintf(w, "%s still to be undone; to try again: %s\n", isOrAre(s.Left, "record"), undoCommand(s.Folder))
	case len(s.Records) == 0:
		fmt.Fprintln(w, "the run had recorded nothing to undo; its folder is removed")
	default:
		fmt.Fprintf(w, "nothing is left to undo of %s; its folder is removed\n", s.Ref)
	}
}

// list shows what is left of runs.
func (u *pluginUndo) list() error {
	all, err := byhand.Leftovers(u.stateDir)
	if err != nil {
		return explainByHand(err)
	}
	if u.forPrograms() {
		return u.output.write(u.stdout, map[string]any{"runs": append([]byhand.Leftover{}, all...)})
	}
	if len(all) == 0 {
		fmt.Fprintf(u.stdout, "nothing is left to undo in %s\n", printable(u.stateDir))
		return nil
	}
	table := tabwriter.NewWriter(u.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FOLDER\tATTACK\tSTARTED\tTO UNDO")
	for _, l := range all {
		started := "-"
		if !l.Started.IsZero() {
			started = fromNow(time.Until(l.Started))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", printable(l.Folder), orElse(printable(string(l.Ref)), "-"), started, leftWords(l))
	}
	return table.Flush()
}

// leftWords says what is to be undone of a run.
func leftWords(l byhand.Leftover) string {
	switch {
	case l.InUse:
		return "it still runs"
	case l.Error != "":
		return printable(l.Error)
	case l.Left == 0:
		return "nothing: it was cut off; undo removes the folder"
	default:
		return count(l.Left, "record")
	}
}

// complete completes the folders that there are.
func (u *pluginUndo) complete(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	base, err := byhand.DefaultBase(u.variable)
	if u.stateDir != "" {
		base, err = u.stateDir, nil
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	all, err := byhand.Leftovers(base)
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var folders []string
	for _, l := range all {
		folders = append(folders, cobra.CompletionWithDesc(l.Folder, leftWords(l)))
	}
	return folders, cobra.ShellCompDirectiveNoFileComp
}

// undoCommand is what to type to undo what is left in a folder.
func undoCommand(folder string) string { return "cmed plugin undo " + shellWord(folder) }

// writeLeft tells what a run left in place and how to take it back.
func writeLeft(w io.Writer, records []byhand.Record, left int, folder string, zone *time.Location) {
	if left == 0 {
		return
	}
	fmt.Fprintf(w, "%s in place:\n", isOrAre(left, "harm"))
	for _, r := range records {
		if !r.State.Reversible() {
			continue
		}
		text := fmt.Sprintf("  %d  %s", r.Sequence, orElse(printable(r.Description), "(not described)"))
		if !r.UndoAt.IsZero() {
			text += fmt.Sprintf(" (a daemon would undo it at %s; by hand nobody does by itself)", r.UndoAt.In(zone).Format(time.RFC3339))
		}
		if r.State == engine.RecordFailed {
			text += ": could not be undone: " + printable(r.Message)
		}
		fmt.Fprintln(w, text)
	}
	fmt.Fprintf(w, "to take it back: %s\n", undoCommand(folder))
}
