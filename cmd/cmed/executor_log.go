package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const executorLogLong = `Shows what an executor's run and its undo have logged. With --follow it goes on
until the executor is over and its undo settled; if the daemon is gone meanwhile, for 15
minutes at most, it takes the log up again. With -o each entry is a document: JSON on a
line, or YAML.

Exit codes: 0 shown, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newExecutorLog(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log ID",
		Short: "Show the log of an executor, or follow it",
		Long:  executorLogLong,
		Args:  oneArgument("the id of an executor"),
	}
	follow := cmd.Flags().BoolP("follow", "f", false, "go on as it comes")
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(executorIDs(client.ExecutorQuery{All: true}))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			switch {
			case *follow:
				return r.whileRead(ctx, func(ctx context.Context, out io.Writer) error { return r.followLog(ctx, c, args[0], out) })
			case r.forPrograms():
				return r.writeLog(ctx, c, args[0])
			default:
				return c.CopyLog(ctx, args[0], pipeOf(r.stdout))
			}
		})
	}
	return cmd
}

// writeLog writes the log as a document: its entries as the daemon prints them.
func (r *remote) writeLog(ctx context.Context, c *client.Client, id string) error {
	var text strings.Builder
	if err := c.CopyLog(ctx, id, &text); err != nil {
		return err
	}
	entries := []string{}
	for line := range strings.Lines(text.String()) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, " ") && len(entries) > 0 { // goes on with the entry
			entries[len(entries)-1] += "\n" + strings.TrimLeft(line, " ")
			continue
		}
		entries = append(entries, line)
	}
	return r.write(map[string]any{"executor_id": id, "log": entries})
}

// followLog shows the log as it comes, until it has ended or somebody has seen
// enough.
func (r *remote) followLog(ctx context.Context, c *client.Client, id string, out io.Writer) error {
	var (
		after  uint64
		failed error
	)
	f := newFollowing(r.stderr, "the log")
	for {
		over, err := c.FollowLog(ctx, id, after, f.opened, func(e client.LogEntry) bool {
			after = e.Seq
			failed = r.showEntry(out, e)
			return failed == nil
		})
		switch {
		case failed != nil:
			return failed
		case over != nil:
			return r.showEnd(over)
		}
		if again, err := f.again(ctx, err); !again {
			return err
		}
	}
}

func (r *remote) showEntry(out io.Writer, e client.LogEntry) error {
	if r.forPrograms() {
		return r.output.writeOne(out, e.Raw)
	}
	_, err := fmt.Fprintln(out, entryLine(e))
	return err
}

// logTime is how the daemon prints the time of an entry.
const logTime = "2006-01-02T15:04:05.000-07:00"

// entryLine is an entry as the daemon prints it:
// "2026-11-21T03:00:00.123+01:00 INFO  [attack] message key=value".
func entryLine(e client.LogEntry) string {
	text := strings.ReplaceAll(printableLines(strings.TrimRight(e.Message, "\r\n")), "\n", "\n    ")
	return fmt.Sprintf("%s %-5s [%s] %s%s", e.At.Format(logTime), printable(strings.ToUpper(e.Level)),
		printable(e.Source), text, logFields(e.Fields))
}

func (r *remote) showEnd(e *client.Executor) error {
	if r.forPrograms() {
		return nil
	}
	text := e.State
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if undo := undoWord(e.Undo); undo != "" {
		text += ", undo " + undo
	}
	s := r.screenOf(r.stderr)
	_, err := fmt.Fprintf(r.stderr, "executor %s: %s\n", printable(e.ID), s.Paint(screen.OfState(e.State), printable(text)))
	return err
}
