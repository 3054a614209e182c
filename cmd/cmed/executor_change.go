package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const moveLong = `Changes when an executor is due. DATE is a date such as 2026-11-21T17:00:00+01:00;
without an offset it is in the daemon's zone. It may also be a time from now, such
as +10m, or the word now. What never ran can be scheduled anew.

Exit codes: 0 moved, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newExecutorMove(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "move ID DATE",
		Short: "Change when an executor is due",
		Long:  moveLong,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%s takes two arguments, the id of an executor and a date", cmd.CommandPath())
			}
			return nil
		},
	}
	r := newRemote(cmd, p, "text")
	movable := []string{"scheduled", "missed", "blocked", "cancelled"}
	cmd.ValidArgsFunction = r.complete(executorIDs(client.ExecutorQuery{States: movable}))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		date, err := instantOf(args[1], time.Now())
		if err != nil {
			return err
		}
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			e, err := c.MoveExecutor(ctx, args[0], date)
			return r.tellExecutor(e, err, func() string {
				return fmt.Sprintf("%s, due %s", e.State, screen.Instant(e.NextRunTime, time.Now()))
			})
		})
	}
	return cmd
}

// instantOf turns "now" and times from now into dates. In which zone another date is,
// the daemon knows.
func instantOf(text string, now time.Time) (string, error) {
	if text == "now" {
		return now.UTC().Format(time.RFC3339Nano), nil
	}
	span, ok := strings.CutPrefix(text, "+")
	if !ok {
		if err := checkDate(text); err != nil {
			return "", usagef("%w", err)
		}
		return text, nil
	}
	d, err := time.ParseDuration(span)
	if err != nil || d < 0 {
		return "", usagef("%q is not a time from now: write a number and a unit, such as +90s, +15m or +1h30m", text)
	}
	return now.Add(d).UTC().Format(time.RFC3339Nano), nil
}

func newExecutorHalt(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "halt ID",
		Short: "Stop a run and undo it, or call it off",
		Args:  oneArgument("the id of an executor"),
	}
	reason := cmd.Flags().String("reason", "", "why; kept with the executor")
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(executorIDs(client.ExecutorQuery{}))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			e, err := c.HaltExecutor(ctx, args[0], *reason)
			return r.tellExecutor(e, err, func() string {
				if !e.Final() {
					return "is being stopped; cmed executor show tells when it is"
				}
				return e.State
			})
		})
	}
	return cmd
}

func newExecutorDelete(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete ID",
		Short: "Delete an executor; one that runs is stopped and undone first",
		Args:  oneArgument("the id of an executor"),
	}
	abandon := addAbandonFlag(cmd)
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(executorIDs(client.ExecutorQuery{All: true}))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return r.tell(c.DeleteExecutor(ctx, args[0], *abandon))
		})
	}
	return cmd
}

// tellExecutor shows what became of an executor.
func (r *remote) tellExecutor(e client.Executor, err error, words func() string) error {
	if err != nil {
		return err
	}
	r.warn(e.Warnings)
	if r.forPrograms() {
		return r.write(e.Raw)
	}
	text := words()
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	r.say("executor %s: %s", printable(e.ID), printable(text))
	return nil
}
