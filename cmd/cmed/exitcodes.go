package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// The exit codes. They are part of the interface: "cmed help exit-codes" and the
// README show them.
const (
	exitFailure    = 1
	exitUsage      = 2
	exitInUse      = 3
	exitNotUndone  = 4
	exitRunFailed  = 5
	exitNeverRan   = 6
	exitUnfinished = 7
)

// exitCodes says what the codes mean, in the words of the help and of the README.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{0, "it did what it was told; with --wait: every executor succeeded"},
	{exitFailure, "it failed or was refused, or the daemon can't be reached"},
	{exitUsage, "a flag, a variable or the configuration is wrong, or an input file can't be read"},
	{exitInUse, "the port, the database or the state folder belongs to another process"},
	{exitNotUndone, "an effect is left: something could not be undone, or not in time"},
	{exitRunFailed, "plan create --wait: an executor ran and did not succeed"},
	{exitNeverRan, "plan create --wait: an executor never ran: missed, blocked, cancelled or deleted"},
	{exitUnfinished, "plan create --wait: the wait ended before the executors did"},
}

// newExitCodes is a topic of the help.
func newExitCodes() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_ = writeExitCodes(cmd.OutOrStdout()) // as cobra does with its own
	})
	return cmd
}

func writeExitCodes(w io.Writer) error {
	fmt.Fprintln(w, "Exit codes:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range exitCodes {
		fmt.Fprintf(table, "  %d\t%s\n", c.code, c.meaning)
	}
	return table.Flush()
}
