package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/compute"
	"github.com/chaos-monkey-engine/cmed/sdk/compute/targeting"
	"github.com/chaos-monkey-engine/cmed/sdk/remote"
)

// atOnce is how many machines are attacked at the same time.
const atOnce = 10

// strike is one run of the attack.
type strike struct {
	args    scriptArgs
	runner  runner
	picked  targeting.Picked
	scripts scripts
	record  record // what the records of all machines have in common
	login   remote.Login
	place   place // of the nodes, without their zone
	ledger  *ledger
	grace   time.Duration
}

// run chooses, puts the choice on record also where it fails for it, and attacks
// the chosen machines.
func (a attack) run(ctx context.Context, args scriptArgs, r runner) error {
	if err := args.check(); err != nil {
		return err
	}
	s := &strike{args: args, runner: r, grace: r.Grace()}
	if err := s.prepare(); err != nil {
		return err
	}
	a.targeting.Log = r.Log()
	picked, err := a.pick(ctx, args, r.Seed(), r.Rand())
	if picked.Candidates == nil { // never listed: there is nothing to put on record
		return err
	}
	s.picked, s.ledger = picked, newLedger(picked, s.record, len(picked.Chosen))
	s.ledger.report.DryRun = args.DryRun || r.DryRun()
	r.Targets(picked.Targets(string(stateSelected))...)
	if recordErr := r.Result(s.ledger.report); err != nil || recordErr != nil {
		return errors.Join(err, recordErr)
	}
	switch {
	case len(picked.Chosen) == 0:
		r.Log().Info("nobody is hit", "reason", picked.Empty)
		return nil
	case s.ledger.report.DryRun:
		return s.each(ctx, (*machine).rehearse)
	}
	if s.place, err = placeOf(ctx, picked); err != nil {
		r.Log().Warn("the provider doesn't say whose the nodes are; an undo that doesn't find them can't tell whether they are gone", "error", err)
	}
	return s.each(ctx, (*machine).attack)
}

// prepare gets all that is needed of this machine: the scripts, the key.
func (s *strike) prepare() error {
	var err error
	if s.scripts, err = readScripts(s.args); err != nil {
		return err
	}
	s.record = newRecord(s.scripts)
	s.record.User, s.record.Keep = s.args.SSH.User, !s.args.cleanup()
	var missing []error
	if s.login, missing = s.args.SSH.login(); len(missing) > 0 {
		return missing[0]
	}
	return nil
}

// each does something to the machines, several at once. One that fails doesn't keep
// the others from their turn; a stop does.
func (s *strike) each(ctx context.Context, do func(*machine, context.Context) error) error {
	s.runner.Progress(0, "0 of %d machines are done", len(s.picked.Chosen))
	failures := make([]error, len(s.picked.Chosen))
	places := make(chan struct{}, atOnce)
	var done sync.WaitGroup
	var finished counter
	for i, n := range s.picked.Chosen {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		m := s.machine(i, n)
		done.Go(func() {
			defer func() { <-places }()
			failures[i] = do(m, ctx)
			s.tell(m, finished.next())
		})
	}
	done.Wait()
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), summary(failures))
	}
	return summary(failures)
}

// counter counts from several goroutines.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

// aim reports a machine as a target in a state.
func (s *strike) aim(m *machine, state state) {
	picked := s.picked
	picked.Chosen = []compute.Node{m.node}
	s.runner.Targets(picked.Targets(string(state))...)
}

// tell reports what became of a machine.
func (s *strike) tell(m *machine, finished int) {
	s.aim(m, m.report.State)
	if err := s.runner.Result(s.ledger.add(m.report)); err != nil {
		s.runner.Log().Warn("the result could not be reported", "error", err)
	}
	all := len(s.picked.Chosen)
	s.runner.Progress(100*float64(finished)/float64(all), "%d of %d machines are done", finished, all)
}

// maxNamed is how many failures the run's error names.
const maxNamed = 5

// summary makes one error of those of the machines that failed by themselves.
func summary(failures []error) error {
	var words []string
	for _, err := range failures {
		if _, stopped := errors.AsType[*stoppedError](err); err != nil && !stopped {
			words = append(words, err.Error())
		}
	}
	switch {
	case len(words) == 0:
		return nil
	case len(failures) == 1:
		return errors.New(words[0])
	}
	more := ""
	if len(words) > maxNamed {
		more = fmt.Sprintf("; and %d more", len(words)-maxNamed)
	}
	return fmt.Errorf("%d of %d machines failed: %s%s", len(words), len(failures), strings.Join(words[:min(len(words), maxNamed)], "; "), more)
}

// machine is the i-th of the chosen, about to be attacked.
func (s *strike) machine(i int, n compute.Node) *machine {
	m := &machine{strike: s, node: n, record: s.record, report: machineReport{ID: n.ID, State: stateSelected}}
	m.log = s.runner.Log().With("node", n.ID)
	m.record.Node = n.ID
	if m.record.place = s.place; s.place.Provider != "" {
		m.record.Zone = n.Zone
	}
	m.record.Job = s.runner.ID() + "-" + strconv.Itoa(i+1)
	m.record.Path = s.args.RemoteScript
	if m.record.Path == "" {
		m.record.Path = "/tmp/cmed-" + m.record.Job + ".sh"
	}
	m.record.Address, m.err = s.args.address(n)
	m.report.Address = m.record.Address
	m.login = s.login
	if m.err == nil {
		m.login.HostKeys, m.err = s.args.SSH.hostKeys(s.args.pinned(n.ID))
	}
	return m
}

// description says of the undo record what it takes back.
func (m *machine) description() sdk.UndoOption {
	words := fmt.Sprintf("ends %s on %s", m.record.Script.Name, m.record.Address)
	if m.record.Undo != nil {
		words += fmt.Sprintf(", runs %s", m.record.Undo.Name)
	}
	if !m.record.Keep {
		words += fmt.Sprintf(" and removes %s", m.record.Path)
	}
	return sdk.Describe(words)
}
