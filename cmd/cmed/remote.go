package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// remote is what the commands that call a daemon have in common.
type remote struct {
	program
	where  where
	output *output
	daemon called // what client found
	// tellChanging is tellElsewhere, tellWaiting says that there is no answer yet: once.
	tellChanging, tellWaiting func()
}

// newRemote gives cmd the flags of a command that calls a daemon.
func newRemote(cmd *cobra.Command, p program, human string) *remote {
	r := &remote{program: p, output: outputFlag(human)}
	flags := cmd.Flags()
	flags.SortFlags = false
	r.where.addFlags(flags)
	flags.VarP(r.output, "output", "o", r.output.usage())
	r.tellChanging = sync.OnceFunc(r.tellElsewhere)
	r.tellWaiting = sync.OnceFunc(func() {
		newProgressLine(r.stderr, r.screenOf(r.stderr)).clear()
		fmt.Fprintf(r.stderr, "no answer from %s yet; still waiting\n", r.daemon.name())
	})
	_ = cmd.RegisterFlagCompletionFunc("context", r.completeContexts) // it has that flag
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(r.output.formats(), cobra.ShellCompDirectiveNoFileComp))
	return r
}

// run calls fn with a client. A signal ends its context. What fn returns is
// explained to the person at the terminal.
func (r *remote) run(ctx context.Context, fn func(context.Context, *client.Client) error) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	return r.runWith(ctx, c, fn)
}

// runWith is run with a client that is there already.
func (r *remote) runWith(ctx context.Context, c *client.Client, fn func(context.Context, *client.Client) error) error {
	if r.daemon.keyUnused != "" {
		fmt.Fprintf(r.stderr, "warning: %s: over the socket the key is not used: you are this machine's administrator; "+
			"name a --server to use the key\n", r.daemon.keyUnused)
	}
	o, release := takeOrders(ctx, r.signals)
	defer release()
	err := r.explain(fn(o.stop, c))
	if err != nil && o.stop.Err() != nil && !errors.Is(err, context.Cause(o.stop)) {
		return fmt.Errorf("%w (%w)", err, context.Cause(o.stop))
	}
	return err
}

// client is one of the daemon that the flags and the environment name.
func (r *remote) client() (*client.Client, error) {
	d, err := r.where.daemon(r.program)
	if err != nil {
		return nil, err
	}
	r.daemon = d
	return d.clientThat(r.tellChanging, r.tellWaiting)
}

// tellElsewhere says that the current context leads away from the socket of this
// folder, or that socket away from the port of CMED_PORT, before something is
// changed there. It may be the same daemon all the same.
func (r *remote) tellElsewhere() {
	if r.daemon.portUnused {
		fmt.Fprintf(r.stderr, "this calls the daemon of this folder, over its socket; the one at the port of %s: --server 127.0.0.1:%s\n",
			portVariable, printable(r.variable(portVariable)))
	}
	if !r.daemon.current {
		return
	}
	if socket := r.ownSocket(); socket != "" && r.daemon.server != "unix:"+socket {
		fmt.Fprintf(r.stderr, "this calls %s; the daemon of this folder, if that is another: --server unix:%s\n",
			r.daemon.name(), printable(socket))
	}
}

// explain tells what an error of the daemon means.
func (r *remote) explain(err error) error { return explain(err, r.daemon, r.program) }

// forPrograms says whether a document is wanted.
func (r *remote) forPrograms() bool { return r.output.forPrograms() }

// write shows a document.
func (r *remote) write(doc any) error { return r.output.write(r.stdout, doc) }

// screen is where results are shown.
func (r *remote) screen() screen.Screen { return r.screenOf(r.stdout) }

// say shows a line of text, made printable by who writes it.
func (r *remote) say(format string, args ...any) { fmt.Fprintf(r.stdout, format+"\n", args...) }

// table shows a table, or the words when it has no rows.
func (r *remote) table(t *screen.Table, empty string) error {
	if t.Empty() {
		r.say("%s", empty)
		return nil
	}
	return t.Write(r.stdout, r.screen())
}

// warn shows what a daemon warns of.
func (r *remote) warn(warnings []string) { writeWarnings(r.stderr, warnings) }

// asCommands puts commands for the calls of the API that a daemon's words name.
var asCommands = strings.NewReplacer("PUT /api/1/executors/{id}", "cmed executor move ID DATE")

func writeWarnings(w io.Writer, warnings []string) {
	for _, text := range warnings {
		fmt.Fprintf(w, "warning: %s\n", asCommands.Replace(printable(text)))
	}
}

// whoAmI names the person at the terminal: user@host.
func whoAmI() string {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil && h != "" {
		host = h
	}
	return name + "@" + host
}

// isTerminal says whether a person is at the other end of a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// toSeconds is a date of the API without its fractions.
func toSeconds(date string) string {
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return printable(date)
	}
	return at.Format(time.RFC3339)
}

// fromNow tells in words how far away an instant is.
func fromNow(d time.Duration) string { return screen.FromNow(d) }

// oneArgument asks for exactly one.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes one argument, %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// atMostOne asks for one argument or none.
func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s takes one argument at most, %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// parent makes a command that only has others below it.
func parent(use, short, long string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(children...)
	return cmd
}
