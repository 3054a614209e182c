package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/store"
)

const storeCheckLong = `Reads the whole database, or the backup that is named, and says what is wrong with
it: whether its pages are sound, and whether its indexes and counts are what its
records make. Nothing is written. No daemon may run on it.

Exit codes: 0 whole, 1 damaged or it can't be checked, 2 wrong flag, 3 a daemon has
it.`

func newStoreCheck(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say whether the database, or a backup, is whole",
		Long:  storeCheckLong,
		Args:  atMostOne("a backup"),
	}
	s := newStoreCall(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return s.run(cmd.Context(), func(ctx context.Context, progress store.Progress) error {
			path := s.cfg.database
			if len(args) > 0 {
				path = besides(args[0])
			}
			report, err := store.Check(ctx, path, progress)
			if err != nil {
				return err
			}
			return s.verdict(report)
		})
	}
	return cmd
}

// verdict shows what a check found. The error is without words.
func (s *storeCall) verdict(r *store.Report) error {
	if s.output.forPrograms() {
		if err := s.output.write(s.stdout, checked{r, r.Whole()}); err != nil {
			return err
		}
	} else {
		s.tellReport(r)
	}
	if !r.Whole() {
		return &exitError{code: exitFailure}
	}
	return nil
}

// checked is a report for programs.
type checked struct {
	*store.Report
	Whole bool `json:"whole"`
}

func (s *storeCall) tellReport(r *store.Report) {
	for _, finding := range r.Findings {
		s.text("damaged: %s", printable(finding))
	}
	if r.More > 0 {
		s.text("damaged: and %d more", r.More)
	}
	if !r.Whole() {
		s.text("%s is damaged. Restore a backup with cmed store restore, and keep this file to be looked at", printable(r.Path))
		return
	}
	s.text("%s is whole: %s, %s, %s, %s, %s; %s, of which %s hold nothing (schema version %d)",
		printable(r.Path), count(r.Plans, "plan"), count(r.Executors, "executor"), count(r.Undos, "undo record"),
		count(r.Keys, "API key"), entries(r.Audit), mebibytes(r.Size), mebibytes(r.Free), r.Schema)
	if !r.Backup.IsZero() {
		s.text("it is a backup of %s", r.Backup.In(s.cfg.zone).Format(time.RFC3339))
	}
}
