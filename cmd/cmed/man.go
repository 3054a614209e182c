package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const manLong = `Writes a manual page for each command into a folder, which is made if it is not
there: cmed.1, cmed-plan.1, cmed-plan-create.1 and so on. The same version of cmed
always writes the same pages.`

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write manual pages",
		Long:  manLong,
		Args:  oneArgument("the folder to write to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" {
				return usagef("there are many pages: name the folder they go to, not -")
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // for everybody to read
				return fmt.Errorf("write the manual: %w", err)
			}
			return writeManual(cmd.Root(), args[0])
		},
	}
}

// writeManual writes the pages of a command and those below it.
func writeManual(cmd *cobra.Command, dir string) error {
	path := filepath.Join(dir, pageName(cmd)+".1")
	page := md2man.Render(manualPage(cmd, thisBuild()))
	if err := os.WriteFile(path, page, 0o644); err != nil { //nolint:gosec // for everybody to read
		return fmt.Errorf("write the manual: %w", err)
	}
	var failed error
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			failed = errors.Join(failed, writeManual(sub, dir))
		}
	}
	return failed
}

// pageName is a command as the name of a page: cmed-plan-create.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manualPage is the page of a command, in the Markdown of md2man.
func manualPage(cmd *cobra.Command, b build) []byte {
	cmd.InitDefaultHelpFlag()
	var page bytes.Buffer
	date := ""
	if at, err := time.Parse(time.RFC3339, b.Time); err == nil {
		date = at.UTC().Format("Jan 2006")
	}
	fmt.Fprintf(&page, "%% %q \"1\" %q \"cmed %s\" \"cmed manual\"\n", strings.ToUpper(pageName(cmd)), date, b.Version)
	fmt.Fprintf(&page, "# NAME\n%s - %s\n\n# SYNOPSIS\n**%s**\n\n", pageName(cmd), manText(cmd.Short), manText(cmd.UseLine()))
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	long, exits := cutExits(long)
	fmt.Fprintf(&page, "# DESCRIPTION\n%s\n\n", manText(long))
	if cmd.HasAvailableSubCommands() {
		page.WriteString("# COMMANDS\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&page, "**%s**(1)\n: %s\n\n", pageName(sub), manText(sub.Short))
			}
		}
	}
	page.WriteString("# OPTIONS\n")
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			page.WriteString(manFlag(f))
		}
	})
	page.WriteString("# EXIT STATUS\n" + exitStatus(cmd, exits))
	if cmd.HasParent() {
		fmt.Fprintf(&page, "# SEE ALSO\n**%s**(1)\n", pageName(cmd.Parent()))
	}
	return page.Bytes()
}

// exitStatus tells a command's exit codes: all of them on the first page, on others
// what their descriptions say.
func exitStatus(cmd *cobra.Command, exits string) string {
	if exits != "" {
		return manText(exits) + "\n\n"
	}
	if cmd.HasParent() {
		return fmt.Sprintf("Those of **%s**(1).\n\n", pageName(cmd.Root()))
	}
	var text strings.Builder
	for _, c := range exitCodes {
		fmt.Fprintf(&text, "**%d**\n: %s\n\n", c.code, manText(c.meaning))
	}
	return text.String()
}

// cutExits takes what a description says of the exit codes out of it; "" when it says
// nothing.
func cutExits(long string) (rest, exits string) {
	before, after, found := strings.Cut(long, "Exit codes: ")
	if !found {
		return long, ""
	}
	exits, after, _ = strings.Cut(after, "\n\n")
	return strings.TrimSpace(strings.TrimSpace(before) + "\n\n" + after), exits
}

// manFlag is a flag as an item of a definition list.
func manFlag(f *pflag.Flag) string {
	kind, usage := pflag.UnquoteUsage(f)
	name := "**--" + f.Name + "**"
	if f.Shorthand != "" {
		name = "**-" + f.Shorthand + "**, " + name
	}
	if kind != "" {
		name += " *" + manText(kind) + "*"
	}
	text := manText(strings.ReplaceAll(usage, "\n", " "))
	if standard := strings.Join(strings.Fields(f.DefValue), ", "); standard != "" && standard != "false" && standard != "0" && standard != "0s" && standard != "[]" {
		text += " (default " + manText(standard) + ")"
	}
	return name + "\n: " + text + "\n\n"
}

// manText keeps Markdown from reading anything into a text.
func manText(text string) string {
	var safe strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]<>#|~", r) {
			safe.WriteByte('\\')
		}
		safe.WriteRune(r)
	}
	return safe.String()
}
