package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const resumeLong = `Releases the lever: executors start again when they are due. Those that were due
meanwhile are blocked and stay so. While the halt file is there, it is refused.

Exit codes: 0 released, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newResume(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Release the lever that halt engaged",
		Long:  resumeLong,
		Args:  noArguments,
	}
	r := newRemote(cmd, p, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			lever, err := c.Release(ctx, whoAmI())
			if err != nil {
				return err
			}
			r.warn(lever.Warnings)
			if r.forPrograms() {
				return r.write(lever.Raw)
			}
			if lever.Engaged {
				return fmt.Errorf("%s is engaged again, by %s (%s)", r.leverName(), lever.By, lever.Reason)
			}
			fmt.Fprintf(r.stdout, "%s is released: executors start when they are due\n", r.leverName())
			return nil
		})
	}
	return cmd
}
