package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/byhand"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const pluginRunLong = `Runs one attack of a plugin file by hand, as the daemon would: in a process of its
own, with its args checked against the schema, its undo records stored before any
harm is done, and ended by force if it does not end when told to. Its log and its
progress go to standard error, its result to standard output. For a planner it
shows what would be planned from now on; nothing is run.

It runs in a private folder of its own, not in this one: write paths in its args from
the root on.

A run that fails, or takes too long, is undone at once, and so is any with --undo.
What a run that succeeded leaves in place stays, and the command that takes it back
is shown: cmed plugin undo FOLDER. That also works if this process is killed.

Ctrl-C stops the run and undoes it. A second one ends the plugin by force, and then
undoes it. One while it is being undone leaves the rest for later.

  cmed plugin run ./lock-file lock_file:LockFile --args '{"path": "/tmp/a"}' --dry-run
  cmed plugin run ./lock-file lock_file:LockFile --args @args.json --undo
  cmed plugin run ./every every:Every --args '{"every": "10m", "times": 3}'

Exit codes: 0 it succeeded, and with --undo was undone; 1 it failed, was stopped or
took too long, and was undone if it had to be; 2 wrong flag or config, or a ref that
the file doesn't offer; 4 something was to be undone and is not: it is kept, and
cmed plugin undo tries again.`

// pluginRun is one call of cmed plugin run.
type pluginRun struct {
	*byHand
	args, whole, attack, name string
	seed                      string
	timeout                   time.Duration
	dryRun, undo              bool
}

func newPluginRun(p program) *cobra.Command {
	r := &pluginRun{}
	cmd := &cobra.Command{
		Use:   "run BINARY REF",
		Short: "Run an attack by hand, or see what a planner plans",
		Long:  pluginRunLong,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("name the plugin file, and the ref that is to be run")
			case len(args) > 2:
				return usagef("%q: cmed plugin run takes two arguments, a plugin file and a ref", args[2])
			}
			return nil
		},
		ValidArgsFunction: completeRefs,
		RunE: func(cmd *cobra.Command, args []string) error {
			ref := engine.Ref("")
			if len(args) > 1 {
				ref = engine.Ref(args[1])
			}
			return r.run(cmd.Context(), args[0], ref)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&r.args, "args", "", "the args, `JSON` or YAML; @file reads a file, - standard input (default {})")
	flags.BoolVar(&r.dryRun, "dry-run", false, "have the attack say what it would do; it must declare that it can")
	flags.BoolVar(&r.undo, "undo", false, "undo what the run leaves, even if it succeeded")
	flags.DurationVar(&r.timeout, "timeout", 15*time.Minute, "how long the run may take")
	flags.StringVar(&r.seed, "seed", "", "seed of all random choices, to repeat a run; a `number` (default: a random one, which is shown)")
	flags.StringVar(&r.name, "name", "by hand", "`name` of the plan, as the plugin sees it")
	flags.StringVar(&r.whole, "whole-config", "", "the whole config, `JSON` or YAML, for a plugin whose configs are not {ref, args}")
	flags.StringVar(&r.attack, "attack", "", "for a planner: the whole config of the attack it plans, `JSON` or YAML")
	r.byHand = newByHand(cmd, p, runOptions)
	return cmd
}

// run makes the call and tells what came of it. The error is without words when
// that says all.
func (r *pluginRun) run(ctx context.Context, path string, ref engine.Ref) (err error) {
	if r.timeout <= 0 {
		return usagef("--timeout: %s is not more than 0", r.timeout)
	}
	if r.args != "" && r.whole != "" {
		return usagef("--args and --whole-config exclude each other: the whole config has the args in it")
	}
	seed, err := r.seedOrRandom()
	if err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		return err
	}
	hosting, err := r.hosting(path)
	if err != nil {
		return err
	}
	interrupts, release := interruptions(r.signals)
	defer release()
	p, err := byhand.Open(ctx, path, r.stateDir, ref, hosting, interrupts, r.logger())
	if err != nil {
		return explainByHand(err)
	}
	defer func() { err = errors.Join(err, explainByHand(p.Close())) }()
	call, err := r.call(p, ref, seed)
	if err != nil {
		return err
	}
	if call.Offer.Kind == engine.KindPlanner {
		return r.plan(ctx, p, call, interrupts)
	}
	return r.attackOnce(ctx, p, call, interrupts)
}

// maxSeed bounds the seeds that are drawn, so that every JSON reader keeps them.
const maxSeed = 1 << 53

func (r *pluginRun) seedOrRandom() (int64, error) {
	if r.seed == "" {
		return rand.Int64N(maxSeed), nil //nolint:gosec // nothing secret
	}
	seed, err := strconv.ParseInt(r.seed, 10, 64)
	if err != nil {
		return 0, usagef("--seed: %q is not a whole number", r.seed)
	}
	return seed, nil
}

// call puts the call together and checks it.
func (r *pluginRun) call(p *byhand.Plugin, ref engine.Ref, seed int64) (byhand.Call, error) {
	offer, err := p.Find(ref)
	if err != nil {
		return byhand.Call{}, explainByHand(err)
	}
	args, err := readArgs("args", r.args, r.stdin)
	if err != nil {
		return byhand.Call{}, err
	}
	whole, err := readArgs("whole-config", r.whole, r.stdin)
	if err != nil {
		return byhand.Call{}, err
	}
	config, err := byhand.ConfigOf(offer, args, whole)
	if err != nil {
		return byhand.Call{}, misfit(offer, err, whole != nil)
	}
	return byhand.Call{
		Offer: offer, Config: config, Name: r.name, Seed: seed, Zone: r.cfg.zone.String(),
		Timeout: r.timeout, DryRun: r.dryRun, TakeBack: r.undo, Undoing: r.undoing(),
	}, nil
}

// ended is what came of a run, as JSON.
type ended struct {
	*byhand.Ending
	Warnings []string `json:"warnings"`
	// UndoCommand takes back what is left, if anything is.
	UndoCommand string `json:"undo_command,omitempty"`
}

func (r *pluginRun) attackOnce(ctx context.Context, p *byhand.Plugin, call byhand.Call, interrupts <-chan error) error {
	t := newTerminal(r.stderr, r.zone())
	defer t.close()
	for _, w := range p.Warnings() {
		t.Warning(w)
	}
	mode := ""
	if call.DryRun {
		mode = "dry run of "
	}
	t.header = fmt.Sprintf("%s%s of %s (sha256 %.12s), seed %d, timeout %s", mode, call.Offer.Ref, printable(call.Offer.Plugin),
		call.Offer.Digest, call.Seed, call.Timeout)
	if !call.DryRun && !call.Offer.CanUndo {
		t.header += "; " + irreversibly(call.Offer)
	}
	e, err := p.Run(ctx, call, interrupts, t)
	t.begin("")
	if err != nil {
		return explainByHand(err)
	}
	if err := r.show(e, t); err != nil {
		return fmt.Errorf("write what came of the run: %w", err)
	}
	switch {
	case e.Undone && e.Left > 0:
		return &exitError{code: exitNotUndone}
	case e.Outcome != engine.Succeeded:
		return &exitError{code: exitFailure}
	default:
		return nil
	}
}

// show writes the result, and everything else for who watches.
func (r *pluginRun) show(e *byhand.Ending, t *terminal) error {
	if r.forPrograms() {
		doc := ended{Ending: e, Warnings: append([]string{}, t.warnings...)}
		if e.Left > 0 {
			doc.UndoCommand = undoCommand(e.Folder)
		}
		return r.output.write(r.stdout, doc)
	}
	if err := writeHit(r.stderr, e.Targets); err != nil {
		return err
	}
	t.say("%s after %s%s", strings.ReplaceAll(string(e.Outcome), "_", " "),
		e.Finished.Sub(e.Started).Round(time.Millisecond), printableLines(reasonOf(e)))
	if len(e.Records) > 0 && e.Left == 0 {
		fmt.Fprintln(r.stderr, "nothing is left to undo")
	}
	writeLeft(r.stderr, e.Records, e.Left, e.Folder, r.zone())
	if e.Result == nil {
		return nil
	}
	return writeJSON(r.stdout, e.Result)
}

// reasonOf says why a run didn't succeed, with what its process last said.
func reasonOf(e *byhand.Ending) string {
	if e.Reason == "" {
		return ""
	}
	text := ": " + e.Reason
	if e.Failure != nil && e.Failure.Pointer != "" {
		text += " (at " + e.Failure.Pointer + ")"
	}
	if e.Failure != nil && e.Failure.Stack != "" {
		text += "\n" + strings.TrimSpace(e.Failure.Stack)
	}
	return text
}

// writeHit shows whom a run hit.
func writeHit(w io.Writer, targets []engine.Target) error {
	if len(targets) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TARGET\tNAME\tSTATE")
	for _, t := range targets {
		fmt.Fprintf(table, "%s\t%s\t%s\n", printable(t.ID), printable(t.Name), printable(t.State))
	}
	return table.Flush()
}

// completionTime bounds the question what a file offers, when a shell asks.
const completionTime = 2 * time.Second

// completeRefs completes the name of a file, then the refs it offers. To learn
// those, it executes the file, as running it would.
func completeRefs(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	base, err := os.MkdirTemp("", "cmed-refs-*")
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer os.RemoveAll(base) //nolint:errcheck // a shell can't be told
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	p, err := byhand.Open(ctx, filepath.Clean(args[0]), base, "", byhand.Hosting{}, nil, hclog.NewNullLogger())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer p.Close() //nolint:errcheck // likewise
	var refs []string
	for _, o := range p.Offers() {
		refs = append(refs, cobra.CompletionWithDesc(string(o.Ref), o.Title))
	}
	return refs, cobra.ShellCompDirectiveNoFileComp
}
