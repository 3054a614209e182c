package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

const rootLong = `cmed plans and runs attacks on systems, to find out how they hold: a chaos
engineering daemon, driven over an HTTP API. Attacks and planners are binaries
in two folders. Without a command, cmed serves.

Every executable file in the plugin folders is executed when it is seen: only
put in there what you trust, and let nobody else write there.`

const precedence = `Each flag is also a variable (in brackets) and, by its name, a key of the
configuration file. Flags win over variables, those over the file.`

const ofDaemon = `SIGTERM ends the daemon gracefully, a second one at least a second later at
once; SIGHUP makes it rescan the folders; SIGUSR1 engages the lever: everything
is stopped and undone, and nothing starts until "cmed resume".`

// newRoot puts the command tree together.
func newRoot(p program) *cobra.Command {
	s := settings{}
	serve := func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(s, p.env, nil)
		if err != nil {
			return err
		}
		return serveUntilStopped(cmd.Context(), cfg, p)
	}
	root := &cobra.Command{
		Use:           "cmed",
		Short:         "Chaos Monkey Engine daemon",
		Long:          rootLong,
		Version:       thisBuild().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          serve,
	}
	serving := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon (the default)",
		Args:  noArguments,
		RunE:  serve,
	}
	for _, cmd := range []*cobra.Command{root, serving} {
		addFlags(cmd, s, func(option) bool { return true })
		addDualFlag(cmd, s)
	}
	root.AddCommand(serving, newReap(p), newStore(p), newPlugin(p), newVersion(), newMan(), newExitCodes())
	root.AddCommand(clientCommands(p)...)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetHelpCommand(newHelp())
	root.InitDefaultCompletionCmd()
	refuseUnknownShells(root)
	root.SetUsageFunc(writeUsage)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(explainFlagError)
	return root
}

// newHelp replaces cobra's command, which takes any word for a success.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil {
				return usagef("%w", err)
			}
			if err := noArguments(topic, rest); err != nil {
				return err
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

// refuseUnknownShells makes cobra's completion command fail where it would show
// its help.
func refuseUnknownShells(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args = noArguments
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// noArguments refuses what is neither a flag nor a command.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return usagef("%q: %s takes no arguments", args[0], cmd.CommandPath())
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return usagef("%s", text)
}

// writeUsage is the part of the help text after the description.
func writeUsage(cmd *cobra.Command) error {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(out, "  %s [command]\n\nCommands:\n", cmd.CommandPath())
		if err := writeCommands(out, cmd); err != nil {
			return err
		}
	}
	if flags := strings.TrimRight(flagUsages(cmd), "\n"); flags != "" {
		fmt.Fprintf(out, "\nFlags:\n%s\n", flags)
	}
	if cmd.Flags().Lookup(optConfig) != nil {
		fmt.Fprintf(out, "\n%s\n", precedence)
	}
	if cmd.Flags().Lookup(optPort) != nil {
		fmt.Fprintf(out, "\n%s\n\n", ofDaemon)
		return writeExitCodes(out)
	}
	if cmd.Flags().Lookup("server") != nil {
		fmt.Fprintf(out, "\nThe exit codes: cmed help exit-codes\n")
	}
	return nil
}

func writeCommands(out io.Writer, cmd *cobra.Command) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(table, "  %s\t%s\n", sub.Name(), sub.Short)
		}
	}
	return table.Flush()
}
