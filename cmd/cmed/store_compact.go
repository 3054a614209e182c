package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/store"
)

const storeCompactLong = `Writes the database anew without the room that nothing is in, which deletions
leave. The new file takes the place of the old one when it is complete and the
same; if anything fails, the old one stays. No daemon may run on it.

Exit codes: 0 done, 1 failed, 2 wrong flag, 3 a daemon has it.`

func newStoreCompact(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Give back the room in the database that nothing is in",
		Long:  storeCompactLong,
		Args:  noArguments,
	}
	s := newStoreCall(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return s.run(cmd.Context(), func(ctx context.Context, progress store.Progress) error {
			return s.alone(func() error {
				done, err := store.Compact(ctx, s.cfg.database, progress)
				if err != nil {
					return err
				}
				if s.output.forPrograms() {
					return s.output.write(s.stdout, map[string]any{
						"path": s.cfg.database, "before": done.Before, "after": done.After,
					})
				}
				s.text("%s: from %s to %s", printable(s.cfg.database), mebibytes(done.Before), mebibytes(done.After))
				return nil
			})
		})
	}
	return cmd
}
