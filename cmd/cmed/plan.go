package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const planLong = `Posts a plan, JSON or YAML, to the daemon, and shows its executors. With
--dry-run nothing is stored: it shows the executors that would be made and, where
the attack can list them, the targets as they are now.

Exit codes: 0 planned, 1 refused or the daemon can't be reached, 2 wrong flag or a
file that can't be read.`

// maxPlan bounds a plan, in bytes, as the API does.
const maxPlan = 1 << 20

// planning is one call of cmed plan.
type planning struct {
	*remote
	file   string
	dryRun bool
}

func newPlan(p program) *cobra.Command {
	l := &planning{}
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "Post a plan, or with --dry-run see what it would do",
		Long:  planLong,
		Args:  noArguments,
	}
	cmd.Flags().StringVarP(&l.file, "file", "f", "", "the plan, a JSON or YAML `file`; - is standard input")
	cmd.Flags().BoolVar(&l.dryRun, "dry-run", false, "show what would be; nothing is stored")
	l.remote = newRemote(cmd, p, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		body, err := readPlan(l.file, p.stdin)
		if err != nil {
			return usagef("%w", err)
		}
		return l.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if l.dryRun {
				return l.preview(ctx, c, body)
			}
			return l.create(ctx, c, body)
		})
	}
	return cmd
}

// readPlan reads a plan as JSON.
func readPlan(path string, stdin io.Reader) ([]byte, error) {
	if path == "" {
		return nil, errors.New("--file is missing: name the plan, or give - to read it from standard input")
	}
	from := stdin
	if path == "-" {
		path = "standard input"
	} else {
		file, err := os.Open(path) //nolint:gosec // the caller's own choice
		if err != nil {
			return nil, fmt.Errorf("read the plan: %w", err)
		}
		defer file.Close() //nolint:errcheck // it is only read
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxPlan+1))
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	if len(text) > maxPlan {
		return nil, fmt.Errorf("read the plan: %s is longer than %d bytes", path, maxPlan)
	}
	if json.Valid(text) {
		return text, nil // as it is: numbers keep all their digits
	}
	return yamlToJSON(path, text)
}

func yamlToJSON(path string, text []byte) ([]byte, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%s is neither JSON nor YAML: %s", path, yaml.FormatError(err, false, true))
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.CommentType {
		return nil, fmt.Errorf("%s is empty", path)
	}
	if len(file.Docs) > 1 {
		return nil, fmt.Errorf("%s holds %s; it must be one", path, count(len(file.Docs), "YAML document"))
	}
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s is neither JSON nor YAML: %s", path, yaml.FormatError(err, false, true))
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("%s can't be written as JSON: %w", path, err)
	}
	return body, nil
}

func (l *planning) create(ctx context.Context, c *client.Client, body []byte) error {
	plan, err := c.CreatePlan(ctx, body, rand.Text())
	if err != nil {
		return refused(err)
	}
	writeWarnings(l.stderr, plan.Warnings)
	if l.asJSON() {
		return writeJSON(l.stdout, plan.Raw)
	}
	fmt.Fprintf(l.stdout, "plan %s %q: %s to run\n", printable(plan.ID), plan.Name, count(plan.Pending, "executor"))
	whole, err := c.Plan(ctx, plan.ID)
	if err != nil {
		return fmt.Errorf("the plan is made, but its executors can't be shown: %w", presentable(err))
	}
	if err := writeExecutors(l.stdout, whole.Embedded.Executors, time.Now()); err != nil {
		return err
	}
	if whole.Links.Next != nil {
		fmt.Fprintln(l.stdout, "... and more: these are the first")
	}
	return nil
}

func (l *planning) preview(ctx context.Context, c *client.Client, body []byte) error {
	preview, err := c.PreviewPlan(ctx, body)
	if err != nil {
		return refused(err)
	}
	writeWarnings(l.stderr, preview.Warnings)
	if l.asJSON() {
		return writeJSON(l.stdout, preview.Raw)
	}
	would := count(preview.Pending, "executor") + " would run"
	if not := preview.Total - preview.Pending; not > 0 {
		would += fmt.Sprintf(", %d would not", not)
	}
	fmt.Fprintf(l.stdout, "dry run of %q: %s; nothing is stored\n", preview.Name, would)
	if err := writeExecutors(l.stdout, preview.Executors, time.Now()); err != nil {
		return err
	}
	if more := preview.Total - len(preview.Executors); more > 0 {
		fmt.Fprintf(l.stdout, "... and %d more\n", more)
	}
	fmt.Fprintf(l.stdout, "times and choices are drawn with seed %d; put \"seed\": %d into the plan to get the same\n",
		preview.Seed, preview.Seed)
	return writeTargets(l.stdout, preview)
}

// writeExecutors shows when each executor is due, and what becomes of those
// that will not run. Those of a dry run have no ids.
func writeExecutors(w io.Writer, executors []client.Executor, now time.Time) error {
	if len(executors) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	stored := executors[0].ID != ""
	if stored {
		fmt.Fprint(table, "ID\t")
	}
	fmt.Fprintln(table, "DUE\tIN WORDS\tNAME\tSTATE")
	for _, e := range executors {
		state := e.State
		if e.Reason != "" {
			state += " (" + e.Reason + ")"
		}
		if stored {
			fmt.Fprintf(table, "%s\t", printable(e.ID))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n",
			e.NextRunTime.Format(time.RFC3339), fromNow(e.NextRunTime.Sub(now)), printable(e.Name), printable(state))
	}
	return table.Flush()
}

func writeTargets(w io.Writer, p client.Preview) error {
	switch {
	case p.TargetsError != "":
		fmt.Fprintf(w, "the targets can't be listed now: %s\n", printable(p.TargetsError))
		return nil
	case p.Targets == nil:
		fmt.Fprintln(w, "this attack does not tell its targets beforehand")
		return nil
	case len(p.Targets) == 0:
		fmt.Fprintln(w, "no targets as things are now")
		return nil
	}
	fmt.Fprintln(w, "the first of them would hit, as things are now:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TARGET\tNAME\tSTATE")
	for _, t := range p.Targets {
		fmt.Fprintf(table, "%s\t%s\t%s\n", printable(t.ID), printable(t.Name), printable(t.State))
	}
	return table.Flush()
}
