package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/scaffold"
)

const pluginNewLong = `Writes an attack or a planner of your own to begin with: a Go module with its code,
a test, a Makefile and a README. As it stands it builds, passes its test and passes
cmed plugin check. It is yours: change all of it, nothing must be kept in step.

cpu-burner becomes the folder cpu-burner and the ref cpu_burner:CpuBurner. A folder
that is there must be empty; nothing is ever overwritten.

The module takes the SDK from the release of it, or from the sources of cmed that
--sdk names, or that cmed itself or the working directory lie in. Then go mod tidy
finds what else it needs.

  cmed plugin new attack cpu-burner
  cmed plugin new planner office-hours --module github.com/you/office-hours

Exit codes: 0 written, 1 failed, 2 wrong flag or name, or something is there.`

// pluginNew is one call of cmed plugin new.
type pluginNew struct {
	program
	dir, module, sdk string
}

func newPluginNew(p program) *cobra.Command {
	n := &pluginNew{program: p}
	kinds := []string{string(scaffold.Attack), string(scaffold.Planner)}
	cmd := &cobra.Command{
		Use:   "new attack|planner NAME",
		Short: "Write a module for an attack or planner of your own",
		Long:  pluginNewLong,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 || args[0] != kinds[0] && args[0] != kinds[1]:
				return usagef("say what is to be written: cmed plugin new attack NAME, or cmed plugin new planner NAME")
			case len(args) == 1:
				return usagef("a name is missing, such as cmed plugin new %s cpu-burner", args[0])
			case len(args) > 2:
				return usagef("%q: cmed plugin new takes two arguments, attack or planner and a name", args[2])
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return kinds, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return n.write(cmd.Context(), scaffold.Kind(args[0]), args[1])
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&n.dir, "dir", "", "the `folder` to write (default: one named by NAME, here)")
	flags.StringVar(&n.module, "module", "", "`path` of the Go module (default: example.com/NAME)")
	flags.StringVar(&n.sdk, "sdk", "", "`folder` with the sources of cmed to build against")
	return cmd
}

func (n *pluginNew) write(ctx context.Context, kind scaffold.Kind, name string) error {
	made, err := scaffold.Write(scaffold.Order{
		Kind: kind, Name: name, Folder: n.dir, Module: n.module, SDK: n.sdk, Places: placesOfSources(),
	})
	if refused, ok := errors.AsType[*scaffold.Refused](err); ok {
		return usagef("%w", refused)
	}
	if err != nil {
		return fmt.Errorf("write the %s: %w", kind, err)
	}
	if err := n.tell(kind, made); err != nil {
		return err
	}
	interrupts, release := takeOrders(ctx, n.signals)
	defer release()
	fmt.Fprintln(n.stderr, "finding what it depends on (go mod tidy)...")
	switch err := scaffold.Tidy(interrupts.stop, made.Folder); {
	case errors.Is(err, scaffold.ErrNoGo):
		fmt.Fprintf(n.stderr, "warning: %v. Install Go (https://go.dev/dl), then: cd %s && go mod tidy\n", err, shellWord(made.Folder))
	case err != nil:
		return untidy(made, err)
	}
	command, variable := n.command()
	fmt.Fprintf(n.stdout, "next:\n  cd %s\n  make build test check%s\n  %s plugin run ./%s %s --args '%s'%s\n",
		shellWord(made.Folder), variable, command, made.Name, made.Ref, made.Args, lastFlag(kind))
	return nil
}

// untidy says how to go on with a module whose dependencies could not be found.
func untidy(made *scaffold.Made, err error) error {
	folder := shellWord(made.Folder)
	if made.Sources != "" {
		return fmt.Errorf("the files are written, but %w\nTo go on, mend what it says, then: cd %s && go mod tidy", err, folder)
	}
	return fmt.Errorf("the files are written, but %w\n"+
		"If it is the release v%s of cmed that can't be had from here, build against the sources of cmed:\n"+
		"  cd %s && go mod edit -replace github.com/chaos-monkey-engine/cmed=/path/to/them && go mod tidy\n"+
		"or begin anew: remove %s, and call this again with --sdk /path/to/them.\n"+
		"Else mend what it says, then: cd %s && go mod tidy", err, made.Version, folder, folder, folder)
}

// command is how a shell calls cmed: by its name if PATH leads to one, else by the
// path of this binary, and then also what tells make so.
func (n *pluginNew) command() (command, variable string) {
	if _, err := exec.LookPath("cmed"); err == nil {
		return "cmed", ""
	}
	self, err := os.Executable()
	if err != nil {
		return "cmed", " CMED=/path/to/cmed"
	}
	return shellWord(self), " CMED=" + shellWord(self)
}

// lastFlag is what the first call of an attack is shown with.
func lastFlag(kind scaffold.Kind) string {
	if kind == scaffold.Attack {
		return " --undo"
	}
	return ""
}

// tell shows what was written.
func (n *pluginNew) tell(kind scaffold.Kind, made *scaffold.Made) error {
	from := "the release v" + made.Version + " of the SDK"
	if made.Sources != "" {
		from = "the SDK in " + made.Sources
	}
	fmt.Fprintf(n.stdout, "wrote the %s %s to %s, module %s, against %s\n", kind, made.Ref, printable(made.Folder), made.Module, printable(from))
	table := tabwriter.NewWriter(n.stdout, 0, 0, 2, ' ', 0)
	for _, f := range made.Files {
		if f.What != "" {
			fmt.Fprintf(table, "  %s\t%s\n", f.Name, f.What)
		}
	}
	return table.Flush()
}

// placesOfSources are where the sources of cmed may be around: cmed's own binary
// and the working directory. One that can't be found is left out.
func placesOfSources() []string {
	var places []string
	if dir, err := besideBinary(); err == nil {
		places = append(places, dir)
	}
	if dir, err := os.Getwd(); err == nil {
		places = append(places, filepath.Clean(dir))
	}
	return places
}

// shellWord is a text as a shell takes it for one word.
func shellWord(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\n'\"\\$`&;|<>()*?[]#~!{}") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
