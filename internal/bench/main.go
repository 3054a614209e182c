// Command bench measures cmed and prints one table: what was measured, beside it
// the limit that the machine, or the least program of its kind, sets in the same
// run, and how far apart they are. Only that ratio means something on another
// machine, or on this one tomorrow.
//
// It measures the binaries in bin, which "make build" makes, as an operator
// would run them: the real daemon over HTTP, with a store on a real disk. The
// minimal programs, and the plugins that note when they were run, are built
// into a temporary folder, which is removed at the end with all that was made
// in it.
//
// It ends with 0; with 1 when -strict is given and a target is missed; with 2
// when something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// limit bounds the whole run: it is meant to take less than three minutes, and
// may take longer on a machine that is busy.
const limit = 10 * time.Minute

// family is a group of rows that are measured together.
type family struct {
	name    string
	about   string
	measure func(ctx context.Context, w *world) ([]row, error)
	// apart is set when it is measured only where it is named.
	apart bool
}

var families = []family{
	{name: "ready", about: "from exec to ready", measure: measureReady},
	{name: "run", about: "one isolated run, cold", measure: measureIsolated},
	{name: "lag", about: "from the due time to the attack's first instruction", measure: measureLag},
	{name: "plans", about: "plans posted a second", measure: measurePlans},
	{name: "pages", about: "pages listed a second", measure: measurePages},
	{name: "memory", about: "anonymous memory of the daemon", measure: measureMemory},
	{name: "halt", about: "from pulling the lever to the last undo", measure: measureHalt, apart: true},
	{name: "events", about: "runs while a thousand read the events", measure: measureEvents, apart: true},
}

// The exit codes besides 0.
const (
	exitMissed = 1
	exitFailed = 2
)

func main() {
	o, err := readOptions(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(exitFailed)
	}
	ctx, release := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, limit)
	met, err := bench(ctx, o, os.Stdout, os.Stderr)
	cancel()
	release()
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(exitFailed)
	case o.strict && !met:
		os.Exit(exitMissed)
	}
}

// options are the command line.
type options struct {
	bin      string
	families []family
	quick    bool
	strict   bool
	json     bool
}

// readOptions tells out what is wrong with the arguments, if something is.
func readOptions(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	var names, format string
	flags.StringVar(&o.bin, "bin", "bin", "folder with cmed and its plugins, as make build makes it")
	flags.StringVar(&names, "only", "", "measure only these, with commas between: "+strings.Join(familyNames(), ", "))
	flags.BoolVar(&o.quick, "quick", false, "measure less often, and with less stored: to see that it works, not for the figures")
	flags.BoolVar(&o.strict, "strict", false, "end with 1 when a target is missed")
	flags.StringVar(&format, "o", "table", "table or json")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	err := o.choose(names)
	if flags.NArg() > 0 {
		err = errors.Join(err, fmt.Errorf("%q is not understood", flags.Arg(0)))
	}
	switch format {
	case "table":
	case "json":
		o.json = true
	default:
		err = errors.Join(err, fmt.Errorf("-o %q is neither table nor json", format))
	}
	if err != nil {
		fmt.Fprintf(out, "bench: %v\n", err)
	}
	return o, err
}

// choose sets the families by their names; when none is given, all that are not
// measured apart.
func (o *options) choose(names string) error {
	if names == "" {
		for _, f := range families {
			if !f.apart {
				o.families = append(o.families, f)
			}
		}
		return nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(families, func(f family) bool { return f.name == strings.TrimSpace(name) })
		if i < 0 {
			return fmt.Errorf("-only %q is not one of %s", name, strings.Join(familyNames(), ", "))
		}
		o.families = append(o.families, families[i])
	}
	return nil
}

func familyNames() []string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

// bench measures and prints, and says whether all targets were met. What has
// been measured is printed even when the rest can't be.
func bench(ctx context.Context, o options, out, progress io.Writer) (met bool, err error) {
	w, err := newWorld(ctx, o, progress)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var rows []row
	for _, f := range o.families {
		w.note("%s: %s", f.name, f.about)
		measured, failed := f.measure(ctx, w)
		for i := range measured {
			measured[i].Family = f.name
		}
		rows = append(rows, measured...)
		if failed != nil {
			err = fmt.Errorf("measure %s: %w", f.name, failed)
			break
		}
	}
	w.note("done")
	if o.json {
		return allMet(rows), errors.Join(err, printJSON(out, rows))
	}
	return allMet(rows), errors.Join(err, printTable(out, rows))
}
