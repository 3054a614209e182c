// Package plugincheck says whether a plugin is fit: it runs the file through the
// real host and does to it what a daemon, a crash and a careless caller would.
//
// It is what "cmed plugin check" does. A check is an entry in a table; what it
// looks at is gathered before (what the plugin says of itself) or done by it (a
// run that is stopped, killed, cut off). Nothing is assumed: what could not be
// checked is reported as not run.
package plugincheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// DefaultGrace is how long a run has, once stopped, in a check.
const DefaultGrace = 3 * time.Second

// DefaultTimeout is how long one run of an example may take in a check.
const DefaultTimeout = 30 * time.Second

// Bounds of a whole check: for what the plugin says of itself, and for each ref.
const (
	pluginBound = 2 * time.Minute
	refBound    = 10 * time.Minute
)

// Options say how a plugin is checked.
type Options struct {
	// Live allows runs that are no dry runs, outside the sandbox, with the
	// operator's environment: they do what the examples say.
	Live bool
	// Announce is told, in words, what a live run is about to do, before it
	// starts; an error calls it off. Required with Live.
	Announce func(what string) error
	// Found, if set, is told each finding as it comes; Making, which check is
	// about to be made, of which ref ("": the whole plugin).
	Found  func(Finding)
	Making func(ref, title string)
	// Force, once closed, ends by force what still runs when the context of the
	// check has ended, undos of live runs too: the report says what is left.
	Force <-chan struct{}
	// Grace is how long a run has, once stopped; 0: DefaultGrace.
	Grace time.Duration
	// Timeout is how long one run of an example may take; 0: DefaultTimeout.
	Timeout time.Duration
	Logger  hclog.Logger
}

func (o Options) withDefaults() (Options, error) {
	if o.Live && o.Announce == nil {
		return o, errors.New("a live check needs somebody to announce its runs to")
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	return o, nil
}

// Check checks the file at path. The error is that it could not be checked, or
// not to the end: then there is a report of what came before. A plugin that is
// unfit is no error.
//
// It takes as long as the plugin makes it, at most two minutes and ten for each
// ref.
func Check(ctx context.Context, path string, o Options) (r *Report, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	t, err := open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	defer t.heedForce()()
	bound := pluginBound + time.Duration(t.offered())*refBound
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("the check of all its refs took longer than %s", bound))
	defer cancel()
	if err := t.examine(ctx); err != nil {
		return nil, err
	}
	if err := t.announce(); err != nil {
		return nil, err
	}
	t.makeAll(ctx, tablesOf)
	if ctx.Err() != nil {
		err = fmt.Errorf("the check of %s was cut short: %w", t.path, context.Cause(ctx))
		t.report.Error = err.Error()
	}
	return t.report, err
}

// makeAll makes all checks of the plugin, and those in the tables of each kind.
func (t *trial) makeAll(ctx context.Context, tables func(engine.Kind) [][]check) {
	whole := &subject{trial: t}
	whole.make(ctx, describingChecks)
	if t.described == nil {
		whole.make(ctx, []check{servingCheck})
		return
	}
	for i := range t.described.Offers {
		o := &t.described.Offers[i]
		s := &subject{trial: t, offer: o}
		if serving, ok := t.serving(o); ok {
			s.serves = &serving
		}
		for _, table := range tables(engine.Kind(o.Kind)) {
			s.make(ctx, table)
		}
	}
	whole.make(ctx, []check{servingCheck})
}

// tablesOf returns the checks that are made of what is offered as a kind.
func tablesOf(kind engine.Kind) [][]check {
	tables := [][]check{refChecks, schemaChecks, exampleChecks}
	switch kind {
	case engine.KindAttack:
		return append(tables, attackChecks)
	case engine.KindPlanner:
		return append(tables, plannerChecks)
	}
	return tables
}

// kinds are those of what the plugin describes.
func (t *trial) kinds() []engine.Kind {
	var kinds []engine.Kind
	if t.described != nil {
		for _, o := range t.described.Offers {
			kinds = append(kinds, engine.Kind(o.Kind))
		}
	}
	return kinds
}

// allServed says whether the host serves everything that is described.
func (t *trial) allServed() bool {
	for i := range t.described.Offers {
		if _, ok := t.serving(&t.described.Offers[i]); !ok {
			return false
		}
	}
	return true
}

// offered is how much there is to check.
func (t *trial) offered() int {
	return len(t.host.Offers(engine.KindAttack)) + len(t.host.Offers(engine.KindPlanner))
}

// examine asks the plugin what it offers, in every way there is.
func (t *trial) examine(ctx context.Context) error {
	var err error
	if t.examination, err = t.host.Examine(ctx, engine.KindAttack, t.name); err != nil {
		return t.explain(err)
	}
	t.report.SHA256 = t.examination.Digest
	for _, d := range (&subject{trial: t}).descriptions() {
		if t.described == nil {
			t.described = &pluginv1.Description{}
			*t.described = d.Description
		}
	}
	if t.described == nil {
		return nil
	}
	t.report.SDK = t.described.SDK
	for _, o := range t.described.Offers {
		t.report.Refs = append(t.report.Refs, o.Ref)
	}
	return nil
}
