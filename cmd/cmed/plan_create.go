package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const planCreateLong = `Posts the plans of a file, JSON or YAML, and shows their executors. A file may hold
several: JSON documents one after another, or YAML documents with lines of three
dashes between. Of several, all are tried dry before the first is made: if the
daemon refuses one, it makes none.

With --dry-run nothing is stored: it shows the executors that would be made and,
where the attack can list them, the targets as they are now.

With --wait it goes on until all executors are over and what they broke is undone,
and the exit code says how they ended; see "cmed help exit-codes". A daemon that is gone
meanwhile is waited for, for 15 minutes at most.

Every plan is posted with an Idempotency-Key, so that a lost answer does not make
it twice. --idempotency-key KEY gives that of an earlier call: what was made then is
not made again.

Exit codes: 0 planned, with --wait: every executor succeeded; 1 refused or the
daemon can't be reached; 2 wrong flag or a file that can't be read; with --wait
also 4 an undo failed or was open still, 5 an executor did not succeed, 6 an executor
never ran, 7 the wait ended before the executors did.`

// planning is one call of cmed plan create.
type planning struct {
	*remote
	file    string
	dryRun  bool
	wait    bool
	timeout time.Duration
	key     string // the Idempotency-Key; "": a new one
}

func newPlanCreate(p program) *cobra.Command {
	l := &planning{}
	cmd := &cobra.Command{
		Use:   "create -f FILE",
		Short: "Post plans, or with --dry-run see what they would do",
		Long:  planCreateLong,
		Args:  noArguments,
	}
	l.addFlags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return l.do(cmd.Context()) }
	return cmd
}

func (l *planning) addFlags(cmd *cobra.Command, p program) {
	flags := cmd.Flags()
	flags.StringVarP(&l.file, "file", "f", "", "the plans, a JSON or YAML `file`; - is standard input")
	flags.BoolVar(&l.dryRun, "dry-run", false, "show what would be; nothing is stored")
	flags.BoolVar(&l.wait, "wait", false, "wait until all executors are over, and exit by their outcome")
	flags.DurationVar(&l.timeout, "timeout", 0, "how long to wait at most; 0: as long as it takes")
	flags.StringVar(&l.key, "idempotency-key", "", "`key` of an earlier call, or one of your own: what was made with it is not made again")
	l.remote = newRemote(cmd, p, "text")
}

// do reads the plans, and previews or makes them.
func (l *planning) do(ctx context.Context) error {
	switch {
	case l.timeout < 0 || l.timeout > 0 && !l.wait:
		return usagef("--timeout is a time to wait, with --wait")
	case l.wait && l.dryRun:
		return usagef("there is nothing to wait for with --dry-run")
	}
	plans, err := readPlans(l.file, l.stdin)
	if err != nil {
		return usagef("%w", err)
	}
	return l.run(ctx, func(ctx context.Context, c *client.Client) error {
		if l.dryRun {
			return l.previewAll(ctx, c, plans)
		}
		if err := tryAll(ctx, c, plans); err != nil {
			return err
		}
		return l.createAll(ctx, c, plans)
	})
}

// tryAll tries several plans dry, so that one that is refused keeps all of them
// from being made. One alone is made or refused by itself.
func tryAll(ctx context.Context, c *client.Client, plans []planText) error {
	if len(plans) == 1 {
		return nil
	}
	var refusals []error
	for _, p := range plans {
		_, err := p.preview(ctx, c)
		switch {
		case isOfPlan(err):
			refusals = append(refusals, fmt.Errorf("%s: %w", p.where, err))
		case err != nil:
			return fmt.Errorf("nothing was made: %w", err)
		}
	}
	if len(refusals) == 0 {
		return nil
	}
	refused := "one is"
	if len(refusals) > 1 {
		refused = fmt.Sprintf("%d are", len(refusals))
	}
	return fmt.Errorf("of %d plans %s refused, so nothing was made:\n%w", len(plans), refused, errors.Join(refusals...))
}

// isOfPlan says whether a plan is refused for what it is, not for who posts it or
// how the daemon is.
func isOfPlan(err error) bool {
	refusal, ok := errors.AsType[*client.Refusal](err)
	if !ok {
		return false
	}
	switch refusal.Status {
	case http.StatusUnauthorized, http.StatusTooManyRequests:
		return false
	default:
		return refusal.Status < http.StatusInternalServerError
	}
}

// createAll makes the plans in their order, and shows each.
func (l *planning) createAll(ctx context.Context, c *client.Client, plans []planText) error {
	base := l.key
	if base == "" {
		base = rand.Text()
	}
	var made []client.Plan
	for i, text := range plans {
		key := base
		if len(plans) > 1 {
			key = fmt.Sprintf("%s-%d", base, i+1)
		}
		plan, err := c.CreatePlan(ctx, text.body, key)
		if err != nil {
			err = text.withHint(err)
			return errors.Join(l.showMade(ctx, c, made, len(plans)), l.notMade(err, text, len(made), base))
		}
		l.warn(plan.Warnings)
		made = append(made, plan)
	}
	if err := l.showMade(ctx, c, made, len(plans)); err != nil || !l.wait {
		return err
	}
	return l.follow(ctx, c, made)
}

// notMade says which plan could not be made, what that means for the others and what
// to do.
func (l *planning) notMade(err error, text planText, made int, key string) error {
	refusal, refused := errors.AsType[*client.Refusal](err)
	maybe := client.MayBeDone(err)
	switch {
	case made > 0:
		rest := "this one and those behind it are not"
		if maybe {
			rest = "this one may be, those behind it are not"
		}
		err = fmt.Errorf("%s: %w\n%s made, which %s before it in the file; %s", text.where, err, isOrAre(made, "plan"), stands(made), rest)
	case maybe:
		err = fmt.Errorf("%w\nIt may have been made all the same", err)
	default:
		return err
	}
	if refused && refusal.Status == http.StatusUnprocessableEntity { // the key came with another plan
		return fmt.Errorf("%w\nWith --idempotency-key %s another plan was made in this place before: post this one and those behind it "+
			"in a file of their own, with a new key", err, key)
	}
	return fmt.Errorf("%w\nRepeat the command with --idempotency-key %s to make the rest: what is made is not made again", err, key)
}

func stands(n int) string {
	if n == 1 {
		return "stands"
	}
	return "stand"
}

// showMade shows plans that were made. A document is left to who waits for them.
func (l *planning) showMade(ctx context.Context, c *client.Client, made []client.Plan, of int) error {
	if l.forPrograms() {
		if l.wait || len(made) == 0 {
			return nil
		}
		return l.writeOneOrAll("plans", of, raws(made, func(p client.Plan) json.RawMessage { return p.Raw }))
	}
	for _, plan := range made {
		dry := ""
		if plan.DryRun {
			dry = ", a dry run"
		}
		l.say("plan %s %q: %s to run%s", printable(plan.ID), plan.Name, count(plan.Pending, "executor"), dry)
		whole, err := c.Plan(ctx, plan.ID)
		if err != nil { // it is made, which is what was asked for
			fmt.Fprintf(l.stderr, "warning: the plan is made, but its executors can't be shown: %s\n", printable(err.Error()))
			continue
		}
		if err := l.executorsOfPlan(whole, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// writeOneOrAll writes the document of one plan as it is. Those of a file with
// several are a list, however many of them there are.
func (l *planning) writeOneOrAll(name string, plans int, documents []json.RawMessage) error {
	if plans == 1 {
		return l.write(documents[0])
	}
	return l.write(map[string]any{name: documents})
}
