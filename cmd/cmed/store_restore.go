package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/store"
)

const storeRestoreLong = `Puts a backup in the place of the database. The backup is checked first, may be of
an older version, and stays as it is; a damaged one is refused, unless nothing
better is left: --damaged. No daemon may run on the database; if there is one
already, --force keeps it beside the new one. The audit of the new one has an entry
of this.

The next start has the lever engaged, since what was due after the backup may have
run: look at cmed status and cmed undos, move or delete what must not run, and
release it with cmed resume. Undo records that were due are executed all the same.
Never start a copy where it can reach what the original still attacks: it would undo
what that does.

Exit codes: 0 done, 1 failed or the backup is damaged, 2 wrong flag, or there is a
database and --force is missing, 3 a daemon has it.`

// restoring is one call of cmed store restore.
type restoring struct {
	*storeCall
	force, damaged bool
}

func newStoreRestore(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore BACKUP",
		Short: "Put a backup in the place of the database",
		Long:  storeRestoreLong,
		Args:  oneArgument("the backup"),
	}
	r := &restoring{storeCall: newStoreCall(cmd, p)}
	cmd.Flags().BoolVar(&r.force, "force", false, "even if there is a database, which is kept under another name")
	cmd.Flags().BoolVar(&r.damaged, "damaged", false, "even if the backup is damaged, as far as it can be written to")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, progress store.Progress) error {
			return r.alone(func() error { return r.restore(ctx, besides(args[0]), progress) })
		})
	}
	return cmd
}

func (r *restoring) restore(ctx context.Context, backup string, progress store.Progress) error {
	done, err := store.Restore(ctx, store.Restoration{
		Backup: backup, Path: r.cfg.database, Force: r.force, Damaged: r.damaged, By: whoAmI(),
	}, progress)
	switch {
	case errors.Is(err, store.ErrDamaged):
		_ = r.verdict(done.Report) // says so too
		return fmt.Errorf("%w; if nothing better is left, --damaged takes it as it is", err)
	case errors.Is(err, fs.ErrExist) && !r.force:
		return usagef("there is a database %s: with --force it is kept under another name, and the backup takes its place", r.cfg.database)
	case err != nil:
		return err
	}
	if r.output.forPrograms() {
		return r.output.write(r.stdout, struct {
			Path string `json:"path"`
			store.Restored
		}{r.cfg.database, done})
	}
	if !done.Report.Whole() {
		_ = r.verdict(done.Report)
	}
	r.text("%s is now what it was at %s%s: %s, %s, %s", printable(r.cfg.database),
		done.Backup.In(r.cfg.zone).Format(time.RFC3339), unmarked(done.Marked),
		count(done.Report.Plans, "plan"), count(done.Report.Executors, "executor"), count(done.Report.Undos, "undo record"))
	if done.Kept != "" {
		r.text("the database that was there is kept as %s", printable(done.Kept))
	}
	r.text("the lever is engaged: start cmed, look at cmed status and cmed undos, then release it with cmed resume")
	return nil
}

// unmarked says what else the time of a backup may be.
func unmarked(marked bool) string {
	if marked {
		return ""
	}
	return " (when that file was last written to: cmed store backup has not made it)"
}

// entries counts those of the audit.
func entries(n uint64) string {
	if n == 1 {
		return "1 audit entry"
	}
	return fmt.Sprintf("%d audit entries", n)
}
