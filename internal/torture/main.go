// Command torture kills cmed in every way it knows and checks afterwards that
// the promises held: nothing ran twice, no undo was lost, nothing was left over,
// and every executor is in a state that fits what was done to it.
//
// It builds the daemon with failpoints, and plugins that misbehave on purpose,
// and drives several worlds side by side: each a store, a state folder and a
// daemon after the other. A world plays rounds. In a round a case is prepared,
// a plan of many executors is posted, somebody is killed, the daemon is started
// again until all is settled, and then a model judges by the traces that the
// plugins left in files of their own.
//
// Everything random comes from one seed, which is printed and can be given. It
// ends with 0; with 1 when a promise was broken, naming the seed and the folders
// that were kept; with 2 when it could not work.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// The exit codes besides 0.
const (
	exitBroken = 1
	exitFailed = 2
)

// overtime is how long the rounds under way may take when the time is up.
const overtime = 3 * time.Minute

func main() {
	o, err := readOptions(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(exitFailed)
	}
	ctx, release := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, o.time+overtime)
	held, err := torture(ctx, o, os.Stdout, os.Stderr)
	cancel()
	release()
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "torture: %v\n", err)
		os.Exit(exitFailed)
	case !held:
		os.Exit(exitBroken)
	}
}

// options are the command line.
type options struct {
	time   time.Duration
	seed   uint64
	worlds int
	only   string // part of the names of the cases to play
	daemon string // a binary to use instead of building one
}

// readOptions tells out what is wrong with the arguments, if something is.
func readOptions(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.DurationVar(&o.time, "for", time.Minute, "how long new rounds are begun")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "seed of every random choice")
	flags.IntVar(&o.worlds, "worlds", 3*runtime.NumCPU(), "how many daemons are tortured side by side")
	flags.StringVar(&o.only, "case", "", "play only the cases whose name contains this")
	flags.StringVar(&o.daemon, "daemon", "", "torture this binary, built with the tag failpoints, instead of building one")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("%q is not understood", flags.Arg(0))
	case o.worlds < 1:
		err = errors.New("-worlds must be at least 1")
	case len(chosen(o.only)) == 0:
		err = fmt.Errorf("no case has %q in its name; there are %s", o.only, strings.Join(caseNames(), ", "))
	}
	if err != nil {
		fmt.Fprintf(out, "torture: %v\n", err)
	}
	return o, err
}

func caseNames() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// torture plays rounds until the time is up, prints the table and says whether
// every promise held.
func torture(ctx context.Context, o options, out, progress io.Writer) (held bool, err error) {
	if runtime.GOOS != "linux" {
		fmt.Fprintln(out, "torture: skipped: what runs leave is looked for in /proc, which takes Linux")
		return true, nil
	}
	fmt.Fprintf(progress, "torture: seed %d, %d daemons side by side, for %s\n", o.seed, o.worlds, o.time)
	dir, err := os.MkdirTemp("", "cmed-torture-")
	if err != nil {
		return false, fmt.Errorf("make a temporary folder: %w", err)
	}
	bin, err := buildAll(ctx, dir, o.daemon)
	if err != nil {
		return false, errors.Join(err, os.RemoveAll(dir))
	}
	t := newTally()
	err = playAll(ctx, o, dir, bin, t, progress)
	printTable(out, t.rows())
	for _, n := range t.remarks() {
		fmt.Fprintln(out, n)
	}
	if list := t.unreached(); len(list) > 0 && err == nil {
		err = fmt.Errorf("no daemon ever died in %q: their failpoints are not reached", list)
	}
	if t.held() && err == nil {
		return true, os.RemoveAll(dir)
	}
	fmt.Fprintf(out, "seed %d; the folders are kept in %s\n", o.seed, dir)
	for _, finding := range t.findings() {
		fmt.Fprintln(out, finding)
	}
	return false, err
}
