package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const healthLong = `Asks a daemon whether it is ready: it is at work and can write its database. For
probes, such as the health check of a container. It shows nothing but what is not
well.

A daemon whose lever is engaged is ready. Exit codes: 0 it is ready, 1 it is not or
does not answer.`

// healthWait is how long a daemon may take to answer. It itself looks at its store
// for two seconds at most.
const healthWait = 5 * time.Second

func newHealth(p program) *cobra.Command {
	var r *remote
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say by the exit code whether a daemon is ready",
		Long:  healthLong,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait <= 0 {
				return usagef("--timeout: %s is not more than 0", wait)
			}
			return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				return r.health(ctx, c, wait)
			})
		},
	}
	r = newRemote(cmd, p, "text")
	cmd.Flags().DurationVar(&wait, "timeout", healthWait, "how long the daemon may take to answer")
	return cmd
}

// health fails unless the daemon is ready.
func (r *remote) health(ctx context.Context, c *client.Client, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	ready, err := c.Ready(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the daemon did not answer within %s", wait)
	}
	if err != nil {
		return err
	}
	if r.forPrograms() {
		return r.write(ready.Raw)
	}
	r.warn(ready.Warnings)
	return nil
}
