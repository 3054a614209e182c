package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// The options that say which database.
const (
	optDatabase = "database-uri"
	optState    = "state-folder"
)

const storeLong = `Looks after the file that keeps everything. A backup can be made while the
daemon runs; the rest needs the file for itself.`

// newStore is the parent of what concerns the database.
func newStore(p program) *cobra.Command {
	return parent("store", "Check, compact, back up and restore the database", storeLong,
		newStoreCheck(p), newStoreCompact(p), newStoreBackup(p), newStoreRestore(p))
}

// storeCall is one call of a command that works on the database's file.
type storeCall struct {
	program
	given  settings
	output *output
	cfg    *config
}

// newStoreCall gives cmd the flags that say which database.
func newStoreCall(cmd *cobra.Command, p program) *storeCall {
	s := &storeCall{program: p, given: settings{}, output: outputFlag("text")}
	addFlags(cmd, s.given, func(o option) bool { return o.name == optDatabase || o.name == optState })
	cmd.Flags().VarP(s.output, "output", "o", s.output.usage())
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(s.output.formats(), cobra.ShellCompDirectiveNoFileComp)) // it has that flag
	return s
}

// run calls fn when it is known which database is meant. A signal ends its
// context, and what is told through progress is shown.
func (s *storeCall) run(ctx context.Context, fn func(context.Context, store.Progress) error) (err error) {
	if s.cfg, err = load(s.given, s.env, nil); err != nil {
		return err
	}
	if err := s.cfg.makeAbsolute(); err != nil {
		return err
	}
	setUmask()
	o, release := takeOrders(ctx, s.signals)
	defer release()
	shown := newStoreProgress(s.stderr)
	err = fn(o.stop, shown.tell)
	shown.end()
	if err != nil && o.stop.Err() != nil && !errors.Is(err, context.Cause(o.stop)) {
		err = fmt.Errorf("%w (%w)", err, context.Cause(o.stop))
	}
	return explainStore(asOwner(err))
}

// alone calls fn while no daemon can start with the state folder.
func (s *storeCall) alone(fn func() error) (err error) {
	if _, err := os.Stat(s.cfg.stateDir); errors.Is(err, fs.ErrNotExist) {
		return fn() // nor has one ever run
	}
	lock, err := lockState(s.cfg.stateDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return fn()
}

// explainStore adds to an error what can be done about it.
func explainStore(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrInUse):
		return &exitError{exitInUse, fmt.Errorf("%w\nA daemon that runs can be asked for a copy: cmed store backup FILE", err)}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w\nMake room on that disk: it takes as much as there is in the database", err)
	}
	return err
}

// text shows what was done, to people.
func (s *storeCall) text(format string, args ...any) {
	fmt.Fprintf(s.stdout, format+"\n", args...)
}

// mebibytes is a size in words.
func mebibytes(bytes int64) string {
	if bytes < 10<<20 {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// storeProgress shows how far long work has come: to a person each step on one
// line, and elsewhere one line now and then.
type storeProgress struct {
	out     io.Writer
	watched bool
	since   time.Time // the last line
	drawn   bool
}

// storeQuiet is how long nothing is said where nobody watches.
const storeQuiet = 10 * time.Second

func newStoreProgress(out io.Writer) *storeProgress {
	return &storeProgress{out: out, watched: isTerminal(out), since: time.Now()}
}

func (p *storeProgress) tell(words string) {
	switch {
	case p.watched:
		fmt.Fprintf(p.out, "\r\x1b[K%s", words)
		p.drawn = true
	case time.Since(p.since) >= storeQuiet:
		fmt.Fprintln(p.out, words)
		p.since = time.Now()
	}
}

// end leaves an empty line.
func (p *storeProgress) end() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// besides is where a file is, if it is not named by an absolute path.
func besides(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}
