package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/internal/plugincheck"
)

const pluginCheckLong = `Says whether plugins are fit: runs each file through the daemon's own host and
does to it what a daemon, a crash and a careless caller would. What fails is shown
with what was found and how to mend it; docs/authors/check.md tells of each check.

Nothing is harmed. All runs are dry runs, with an empty environment and, where the
kernel allows, in a sandbox: without network, and without writing outside their
own folder. Where it doesn't (Linux before 5.6, other systems) the dry runs are
made all the same, and what only a sandbox sees is not run. Where a plugin declares
no dry run, nothing is run; --live runs the examples for real, outside the sandbox
and with this environment, after it has said what they do. What was not run is
never counted as passed.

Ctrl-C ends the check, as soon as what it runs has ended and what it ran for real is
undone. A second one does not wait for that, and the report says what is left.

Exit codes: 0 all are fit, 1 one is unfit or could not be checked, 2 wrong flag.`

// formatJUnit is an output for CI servers.
const formatJUnit = "junit"

// checking is one call of cmed plugin check.
type checking struct {
	program
	live, yes bool
	grace     time.Duration
	output    checkFormat
}

func newPluginCheck(p program) *cobra.Command {
	c := &checking{program: p, output: "text"}
	cmd := &cobra.Command{
		Use:   "check BINARY...",
		Short: "Say whether plugins are fit",
		Long:  pluginCheckLong,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name the plugin file to check")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // file names
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&c.live, "live", false, "run the examples for real; asks first")
	flags.BoolVar(&c.yes, "yes", false, "with --live: do not ask")
	flags.DurationVar(&c.grace, "stop-grace", plugincheck.DefaultGrace, "how long a run that is stopped may take to end")
	flags.VarP(&c.output, "output", "o", c.output.usage())
	return cmd
}

// checkFormat is the format of the reports.
type checkFormat string

var checkFormats = []string{"text", formatJSON, formatJUnit}

func (f *checkFormat) usage() string { return "text, json or junit" }

func (f *checkFormat) Set(s string) error {
	if !slices.Contains(checkFormats, s) {
		return fmt.Errorf("it is not one of %s", strings.Join(checkFormats, ", "))
	}
	*f = checkFormat(s)
	return nil
}

func (f *checkFormat) String() string { return string(*f) }

func (f *checkFormat) Type() string { return "format" }

// run checks the files one after the other and writes what was found. The error
// is without words when files are unfit, not the check.
func (c *checking) run(ctx context.Context, paths []string) error {
	switch {
	case c.grace <= 0:
		return usagef("--stop-grace: %s is not more than 0", c.grace)
	case c.yes && !c.live:
		return usagef("--yes goes with --live")
	case c.live && !c.yes && !isTerminal(c.stdin):
		return usagef("--live runs attacks for real and has nobody to ask: standard input is no terminal; --yes says yes beforehand")
	}
	if err := host.Harden(); err != nil {
		return fmt.Errorf("protect the process: %w", err)
	}
	setUmask()
	o, release := takeOrders(ctx, c.signals)
	var heeding sync.WaitGroup
	defer heeding.Wait()
	defer release()
	heeding.Go(func() {
		select {
		case <-o.rescan: // there is nothing to scan: the terminal has gone, and who watches
			o.cancel(fmt.Errorf("received %v", syscall.SIGHUP))
		case <-o.stop.Done():
		}
		if why := context.Cause(o.stop); c.live && !errors.Is(why, context.Canceled) {
			fmt.Fprintf(c.stderr, "\nstopping: %v; what was run for real is undone first; Ctrl-C again does not wait for that\n", why)
		}
	})
	return c.checkAll(o, paths)
}

func (c *checking) checkAll(o *orders, paths []string) error {
	ctx := o.stop
	var reports []*plugincheck.Report
	unfit := false
	for _, path := range paths {
		r := c.check(o, path)
		reports = append(reports, r)
		unfit = unfit || !r.Fit()
		if c.output == "text" {
			if len(reports) > 1 {
				fmt.Fprintln(c.stdout)
			}
			if err := plugincheck.WriteText(c.stdout, r, c.coloured()); err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	if err := c.write(reports); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("not all was checked: %w", context.Cause(ctx))
	}
	if unfit {
		return &exitError{code: exitFailure}
	}
	return nil
}

// write writes the formats that hold all reports.
func (c *checking) write(reports []*plugincheck.Report) error {
	switch c.output {
	case formatJSON:
		return plugincheck.WriteJSON(c.stdout, reports)
	case formatJUnit:
		return plugincheck.WriteJUnit(c.stdout, reports)
	}
	return nil
}

// check checks a file. What can't be checked is a report that says so.
func (c *checking) check(o *orders, path string) *plugincheck.Report {
	progress := newCheckProgress(c.stderr, path)
	defer progress.clear()
	r, err := plugincheck.Check(o.stop, path, plugincheck.Options{
		Live: c.live, Grace: c.grace, Making: progress.making, Force: o.force.Done(),
		Announce: func(what string) error {
			progress.clear()
			return c.announce(o.stop, what)
		},
	})
	if r == nil {
		r = &plugincheck.Report{Path: path, Live: c.live, Refs: []string{}, Findings: []plugincheck.Finding{}}
	}
	if err != nil {
		r.Error = err.Error()
		if c.output != "text" {
			fmt.Fprintf(c.stderr, "cmed: %s\n", printable(r.Error))
		}
	}
	return r
}

// announce says what will be run for real and, unless it was said beforehand,
// waits for a yes.
func (c *checking) announce(ctx context.Context, what string) error {
	fmt.Fprintln(c.stderr, printableLines(what))
	if c.yes {
		return nil
	}
	fmt.Fprint(c.stderr, "Run this now? Type yes to go on: ")
	answers := make(chan string, 1)
	go func() { // it ends with the process, if nobody ever answers
		answer, _ := bufio.NewReader(c.stdin).ReadString('\n')
		answers <- answer
	}()
	select {
	case answer := <-answers:
		if !strings.HasSuffix(answer, "\n") { // the end of the input leaves the line open
			fmt.Fprintln(c.stderr)
		}
		if strings.TrimSpace(answer) == "yes" {
			return nil
		}
		return errors.New("nobody said yes; --yes says it beforehand")
	case <-ctx.Done():
		fmt.Fprintln(c.stderr)
		return context.Cause(ctx)
	}
}

// coloured says whether the report may have colours: on a terminal, unless
// NO_COLOR is set (https://no-color.org).
func (c *checking) coloured() bool {
	out := c.stdout
	if b, ok := out.(brokenPipe); ok {
		out = b.Writer
	}
	return isTerminal(out) && c.variable("NO_COLOR") == "" && c.variable("TERM") != "dumb"
}

// checkProgress is the line on a terminal that says which check is being made.
type checkProgress struct {
	out  io.Writer // nil: no terminal
	path string
	made int
}

func newCheckProgress(out io.Writer, path string) *checkProgress {
	if !isTerminal(out) {
		out = nil
	}
	return &checkProgress{out: out, path: path}
}

// widest bounds the line, so that it is one line on nearly every terminal.
const widest = 79

func (p *checkProgress) making(ref, title string) {
	p.made++
	if p.out == nil {
		return
	}
	line := fmt.Sprintf("%d %s: %s", p.made, printable(ref), printable(title))
	if ref == "" {
		line = fmt.Sprintf("%d %s: %s", p.made, printable(p.path), printable(title))
	}
	if runes := []rune(line); len(runes) > widest {
		line = string(runes[:widest])
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
}

// clear leaves an empty line.
func (p *checkProgress) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
