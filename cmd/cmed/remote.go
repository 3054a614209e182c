package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
)

const (
	defaultServer  = "http://127.0.0.1:5000"
	serverVariable = "CMED_SERVER"
	portVariable   = "CMED_PORT"
)

// remote is what the commands that call a daemon have in common.
type remote struct {
	program
	server string // "": what the environment says
	output *output
}

// newRemote gives cmd the flags of a command that calls a daemon.
func newRemote(cmd *cobra.Command, p program, human string) *remote {
	r := &remote{program: p, output: outputFlag(human)}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&r.server, "server", "",
		"`URL` of the daemon ["+serverVariable+"] (default "+defaultServer+", or the port that "+portVariable+" says)")
	cmd.Flags().VarP(r.output, "output", "o", r.output.usage())
	return r
}

// run calls fn with a client. A signal ends its context.
func (r *remote) run(ctx context.Context, fn func(context.Context, *client.Client) error) error {
	c, from, err := r.client()
	if err != nil {
		return usagef("%s: %w", from, err)
	}
	o, release := takeOrders(ctx, r.signals)
	defer release()
	err = fn(o.stop, c)
	if err != nil && o.stop.Err() != nil {
		return fmt.Errorf("%w (%w)", err, context.Cause(o.stop))
	}
	return err
}

// client also returns what named the server.
func (r *remote) client() (c *client.Client, from string, err error) {
	server, from := r.server, "--server"
	if server == "" {
		server, from = r.variable(serverVariable), serverVariable
	}
	if port := r.variable(portVariable); server == "" && port != "" && port != "0" { // 0: any
		server, from = "http://127.0.0.1:"+port, portVariable
	}
	if server == "" {
		server = defaultServer
	}
	c, err = client.New(server, "cmed/"+thisBuild().Version)
	return c, from, err
}

func (r *remote) asJSON() bool { return r.output.text == formatJSON }

// variable is a variable of the environment, "" when it is not set.
func (p program) variable(name string) string {
	for _, entry := range p.env {
		if n, value, ok := strings.Cut(entry, "="); ok && n == name {
			return value
		}
	}
	return ""
}

// writeWarnings shows what a daemon warns of.
func writeWarnings(w io.Writer, warnings []string) {
	for _, text := range warnings {
		fmt.Fprintf(w, "warning: %s\n", printable(text))
	}
}

// refused is what a call that failed tells the person at the terminal.
func refused(err error) error {
	if unreachable, ok := errors.AsType[*client.Unreachable](err); ok {
		return fmt.Errorf("%w\nSay where it is with --server or %s", unreachable, serverVariable)
	}
	return presentable(err)
}

// presentable is an error without what a daemon's words would do to a terminal.
func presentable(err error) error {
	if refusal, ok := errors.AsType[*client.Refusal](err); ok {
		return errors.New(printableLines(refusal.Error()))
	}
	return err
}

// printableLines is printable for several lines.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
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
func fromNow(d time.Duration) string {
	before, after := "in ", ""
	if d < 0 {
		d, before, after = -d, "", " ago"
	}
	var text string
	switch {
	case d < time.Second:
		return "now"
	case d.Round(time.Second) < time.Minute:
		text = fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d.Round(time.Minute) < 2*time.Hour:
		text = fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	case d.Round(time.Hour) < 48*time.Hour:
		text = fmt.Sprintf("%d h", d.Round(time.Hour)/time.Hour)
	default:
		text = fmt.Sprintf("%d days", d.Round(24*time.Hour)/(24*time.Hour))
	}
	return before + text + after
}

// oneArgument asks for exactly one.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes one argument, %s", cmd.CommandPath(), what)
		}
		return nil
	}
}
