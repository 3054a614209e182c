package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/nearest"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const executorListLong = `Shows the executors that are not over, by the time they are due: those that come next
first. With --all, and with --state for states in which they are over, the list ends
with those that are due last; when it is cut, the earliest are left out.

Exit codes: 0 shown, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newExecutorList(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "Show the executors that are not over, by the time they are due", Long: executorListLong, Args: noArguments}
	var q client.ExecutorQuery
	var limit listLimit
	flags := cmd.Flags()
	flags.BoolVar(&q.All, "all", false, "show those that are over too")
	flags.StringVar(&q.Plan, "plan", "", "those of the plan with this `id`")
	flags.StringVar(&q.Attack, "ref", "", "those of the attack with this `ref`")
	flags.StringSliceVar(&q.States, "state", nil, "those in these `states`, such as running,failed")
	flags.StringVar(&q.From, "from", "", "those due at this `date` or later")
	flags.StringVar(&q.To, "to", "", "those due before this `date`")
	limit.addFlag(cmd)
	r := newRemote(cmd, p, "table")
	r.completeFlag(cmd, "plan", planIDs(true))
	r.completeFlag(cmd, "ref", refsOf(client.Attacks))
	completeWords(cmd, "state", executorStates())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if strings.Contains(q.Attack, "*") {
			return usagef("--ref: %q is a pattern; name one attack, such as file:Kind (see cmed attacks)", printable(q.Attack))
		}
		if err := errors.Join(checkWords("state", q.States, executorStates()), checkPeriod(q.From, q.To)); err != nil {
			return err
		}
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			q.Limit = limit.of(r)
			executors, more, err := r.executors(ctx, c, q)
			if err != nil {
				return err
			}
			defer r.tellMore(more)
			if q.Attack != "" && len(executors) == 0 {
				r.tellUnknownRef(ctx, c, q.Attack)
			}
			if r.forPrograms() {
				return r.write(map[string]any{"executors": executorDocuments(executors)})
			}
			return r.table(executorTable(executors, false, time.Now()), "no executors")
		})
	}
	return cmd
}

// executors lists executors by their due time. Of those that may be over, a limit
// leaves out the first; more says whether it left out others.
func (r *remote) executors(
	ctx context.Context, c *client.Client, q client.ExecutorQuery,
) (executors []client.Executor, more bool, err error) {
	over := func(state string) bool { return (&client.Executor{State: state}).Final() }
	q.Newest = q.Limit > 0 && (q.All || slices.ContainsFunc(q.States, over))
	executors, more, err = c.Executors(ctx, q)
	if q.Newest {
		executors, err = lastOf(r, executors, more, err)
		more = false // it is told
	}
	return executors, more, err
}

// tellUnknownRef says that a ref is not that of an attack there is, if it is not.
func (r *remote) tellUnknownRef(ctx context.Context, c *client.Client, ref string) {
	offers, err := c.Offers(ctx, client.Attacks)
	if err != nil {
		return // the list itself could be had
	}
	var known []string
	for _, o := range offers {
		known = append(append(known, o.Ref), o.Aliases...)
	}
	if slices.Contains(known, ref) {
		return
	}
	text := fmt.Sprintf("no attack %s is offered", ref)
	if near := nearest.Name(ref, known); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	fmt.Fprintf(r.stderr, "warning: %s (cmed attacks shows all)\n", printable(text))
}

func executorDocuments(executors []client.Executor) []json.RawMessage {
	return raws(executors, func(e client.Executor) json.RawMessage { return e.Raw })
}

// executorTable shows when each executor is due, and what becomes of it. Those of
// a dry run have no ids.
func executorTable(executors []client.Executor, dry bool, now time.Time) *screen.Table {
	head := []string{"ID", "STATE", "NAME", "DUE", "ATTACK", "UNDO", "REASON"}
	if dry {
		head = []string{"DUE", "STATE", "NAME", "REASON"}
	}
	table := screen.NewTable(head...)
	for _, e := range executors {
		due := screen.Instant(e.NextRunTime, now)
		if dry {
			table.Row(due, stateWords(e), e.Name, e.Reason)
		} else {
			table.Row(e.ID, stateWords(e), e.Name, due, e.AttackRef, undoWord(e.Undo), e.Reason)
		}
	}
	return table
}

// stateWords are the state of an executor, and that it only says what it would do.
func stateWords(e client.Executor) string {
	if e.DryRun {
		return e.State + " (dry run)"
	}
	return e.State
}

// undoWord is the state of an executor's undo, "" when there is nothing to undo.
func undoWord(undo string) string {
	if undo == "none" {
		return ""
	}
	return undo
}
