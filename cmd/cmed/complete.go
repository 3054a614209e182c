package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

// completionWait bounds how long somebody who pressed Tab is kept waiting.
const completionWait = time.Second

// mostCompletions bounds how many are offered.
const mostCompletions = 200

// completions asks a daemon for what could be typed.
type completions func(ctx context.Context, c *client.Client) ([]cobra.Completion, error)

// complete completes the only argument of a command. Whatever goes wrong, nothing
// is offered and nothing said.
func (r *remote) complete(ask completions) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return r.ask(cmd.Context(), ask)
	}
}

// completeFlag completes the value of a flag.
func (r *remote) completeFlag(cmd *cobra.Command, name string, ask completions) {
	_ = cmd.RegisterFlagCompletionFunc(name, // it has that flag
		func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return r.ask(cmd.Context(), ask)
		})
}

func (r *remote) ask(ctx context.Context, ask completions) ([]cobra.Completion, cobra.ShellCompDirective) {
	r.where.atOnce = true
	c, err := r.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionWait)
	defer cancel()
	found, err := ask(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// described is what can be typed, and what it is.
func described(word, description string) cobra.Completion {
	return cobra.CompletionWithDesc(printable(word), printable(description))
}

// refsOf completes the refs of attacks or planners.
func refsOf(kind client.Kind) completions {
	return func(ctx context.Context, c *client.Client) (found []cobra.Completion, err error) {
		offers, err := c.Offers(ctx, kind)
		for _, o := range offers {
			found = append(found, described(o.Ref, o.Title))
		}
		return found, err
	}
}

// planIDs completes plans: those not done, or all.
func planIDs(all bool) completions {
	return func(ctx context.Context, c *client.Client) (found []cobra.Completion, err error) {
		plans, _, err := c.Plans(ctx, all, mostCompletions)
		for _, p := range plans {
			found = append(found, described(p.ID, p.Name))
		}
		return found, err
	}
}

// executorIDs completes executors: of all, those that were due last.
func executorIDs(q client.ExecutorQuery) completions {
	q.Limit, q.Newest = mostCompletions, q.All
	return func(ctx context.Context, c *client.Client) (found []cobra.Completion, err error) {
		executors, _, err := c.Executors(ctx, q)
		if errors.Is(err, client.ErrOldestFirst) {
			err = nil
		}
		for _, e := range executors {
			found = append(found, described(e.ID, e.State+" "+e.AttackRef+" "+e.NextRunTime.Format(time.RFC3339)))
		}
		return found, err
	}
}

// undoIDs completes undo records that are not settled.
func undoIDs(ctx context.Context, c *client.Client) (found []cobra.Completion, err error) {
	records, err := c.Undos(ctx, unfinished...)
	for _, u := range records {
		found = append(found, described(u.ID, u.State+" "+u.AttackRef+" "+u.Description))
	}
	return found, err
}

// keyIDs completes keys that can be revoked.
func keyIDs(ctx context.Context, c *client.Client) (found []cobra.Completion, err error) {
	keys, err := c.Keys(ctx)
	for _, k := range keys {
		if k.Live {
			found = append(found, described(k.ID, k.Name+" ("+k.Role+")"))
		}
	}
	return found, err
}

// completeContext completes the names of contexts.
func completeContext(p program) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, err := readContexts(p)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return all.names(), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeContexts completes the flag --context.
func (r *remote) completeContexts(_ *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completeContext(r.program)(nil, nil, "")
}
