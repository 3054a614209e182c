package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const planLong = `Posts plans, and shows and ends what has become of them. "cmed plan -f FILE" is
short for "cmed plan create -f FILE".`

// newPlan is the parent of what concerns plans. With a file it posts one.
func newPlan(p program) *cobra.Command {
	l := &planning{}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Post, show, halt and delete plans",
		Long:  planLong,
		Args:  noPlanFile,
	}
	l.addFlags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if l.file == "" && cmd.Flags().NFlag() == 0 {
			return cmd.Help()
		}
		return l.do(cmd.Context())
	}
	cmd.AddCommand(newPlanCreate(p), newPlanList(p), newPlanShow(p), newPlanHalt(p), newPlanDelete(p))
	return cmd
}

// noPlanFile refuses arguments. What looks like a file was meant to be posted.
func noPlanFile(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && strings.Contains(args[0], ".") {
		return usagef("unknown command %q; to post a plan: cmed plan create -f %s", args[0], args[0])
	}
	return noArguments(cmd, args)
}

func newPlanList(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "Show the plans that are not done, the newest first", Args: noArguments}
	var all bool
	var limit listLimit
	cmd.Flags().BoolVar(&all, "all", false, "show those that are done too")
	limit.addFlag(cmd)
	r := newRemote(cmd, p, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			plans, more, err := c.Plans(ctx, all, limit.of(r))
			if err != nil {
				return err
			}
			defer r.tellMore(more)
			if r.forPrograms() {
				return r.write(map[string]any{"plans": raws(plans, func(p client.Plan) json.RawMessage { return p.Raw })})
			}
			return r.table(planTable(plans, time.Now()), "no plans")
		})
	}
	return cmd
}

func planTable(plans []client.Plan, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "NAME", "PENDING", "NEXT", "ATTACK", "PLANNER", "CREATED")
	for _, p := range plans {
		table.Row(p.ID, planName(p), strconv.Itoa(p.Pending), screen.Instant(p.Next, now), p.Attack.Ref, p.Planner.Ref,
			screen.Instant(p.Created, now))
	}
	return table
}

// planName is the name of a plan, and that its attack only says what it would do.
func planName(p client.Plan) string {
	if p.DryRun {
		return p.Name + " (dry run)"
	}
	return p.Name
}

func newPlanShow(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show a plan and its executors", Args: oneArgument("the id of a plan")}
	return showable[client.Plan]{
		ids: planIDs(true),
		find: func(c *client.Client, ctx context.Context, id string) (client.Plan, error) {
			return findPlan(ctx, c, id)
		},
		raw:  func(p client.Plan) json.RawMessage { return p.Raw },
		show: (*remote).showPlan,
	}.command(p, cmd)
}

// findPlan finds a plan, and says of an id that is that of an executor which plan is
// meant.
func findPlan(ctx context.Context, c *client.Client, id string) (client.Plan, error) {
	plan, err := c.Plan(ctx, id)
	if !isNotFound(err) {
		return plan, err
	}
	e, wrong := c.Executor(ctx, id)
	if wrong != nil {
		return plan, err
	}
	return plan, fmt.Errorf("%w: that is the id of an executor (cmed executor show %s) of the plan %s", err, e.ID, e.PlanID)
}

func (r *remote) showPlan(p client.Plan, now time.Time) error {
	r.say("plan %s %q", printable(p.ID), p.Name)
	state := count(p.Pending, "executor") + " of " + strconv.Itoa(p.Total) + " to run"
	if p.Executed {
		state = "done"
	}
	next := ""
	if !p.Next.IsZero() {
		next = screen.Instant(p.Next, now)
	}
	err := r.facts([]fact{
		{"state", state},
		{"next", next},
		{"created", screen.Instant(p.Created, now)},
		{"attack", configWords(p.Attack)},
		{"planner", configWords(p.Planner)},
		{"timezone", p.Timezone},
		{"timeout", p.Timeout},
		{"misfire grace", p.Grace},
		{"undo", p.Undo},
		{"seed", strconv.FormatInt(p.Seed, 10)},
		{"labels", labelWords(p.Labels)},
		{"dry run", dryWords(p.DryRun)},
	})
	if err != nil || len(p.Embedded.Executors) == 0 {
		return err
	}
	r.say("")
	return r.executorsOfPlan(p, now)
}

// executorsOfPlan shows the executors that came with a plan.
func (r *remote) executorsOfPlan(p client.Plan, now time.Time) error {
	if err := executorTable(p.Embedded.Executors, false, now).Write(r.stdout, r.screen()); err != nil {
		return err
	}
	if p.Links.Next != nil {
		r.say("... and more: cmed executor list --all --plan %s", printable(p.ID))
	}
	return nil
}

// configWords are a config on one line.
func configWords(c client.Config) string {
	var args bytes.Buffer
	if json.Compact(&args, c.Args) != nil {
		return c.Ref // it has no args
	}
	return c.Ref + " " + args.String()
}

func newPlanHalt(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "halt ID",
		Short: "Stop and undo what runs of a plan, and call the rest off",
		Args:  oneArgument("the id of a plan"),
	}
	reason := cmd.Flags().String("reason", "", "why; kept with the executors")
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(planIDs(false))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return r.tell(c.HaltPlan(ctx, args[0], *reason))
		})
	}
	return cmd
}

func newPlanDelete(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete ID",
		Short: "Delete a plan with its executors; what runs is stopped and undone first",
		Args:  oneArgument("the id of a plan"),
	}
	abandon := addAbandonFlag(cmd)
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(planIDs(true))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return r.tell(c.DeletePlan(ctx, args[0], *abandon))
		})
	}
	return cmd
}

func addAbandonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("abandon-undo", false, "delete it even if an undo has failed: the effect is left in place")
}

// tell shows the message that an answer is.
func (r *remote) tell(m client.Message, err error) error {
	if err != nil {
		return err
	}
	r.warn(m.Warnings)
	if r.forPrograms() {
		return r.write(m.Raw)
	}
	r.say("%s", printable(m.Text))
	return nil
}
