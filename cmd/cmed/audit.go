package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const auditLong = `Who did what to the daemon, from where, when and with what outcome: every write
over the API and every change of the lever, of keys and of plugins. Entries are only
ever added, and each has the hash of the one before it.`

// newAudit is the parent of what concerns the audit.
func newAudit(p program) *cobra.Command {
	return parent("audit", "Show, verify and export who did what", auditLong,
		newAuditList(p), newAuditVerify(p), newAuditExport(p))
}

// auditFlags select entries.
type auditFlags struct {
	client.AuditQuery
	since time.Duration
}

func (f *auditFlags) add(cmd *cobra.Command, since time.Duration) {
	flags := cmd.Flags()
	flags.DurationVar(&f.since, "since", since, "entries of the last so long; 0: all")
	flags.StringVar(&f.From, "from", "", "entries of this `date` or later, in place of --since")
	flags.StringVar(&f.To, "to", "", "entries before this `date`")
	flags.Uint64Var(&f.After, "after", 0, "entries behind the one with this `number`")
}

// query is what is asked for now. A number or a date to begin with makes the
// default of --since nothing.
func (f *auditFlags) query(cmd *cobra.Command, now time.Time) (client.AuditQuery, error) {
	chosen := cmd.Flags().Changed("since")
	q := f.AuditQuery
	switch {
	case f.since < 0:
		return q, usagef("--since: %s is less than 0", f.since)
	case checkPeriod(q.From, q.To) != nil:
		return q, checkPeriod(q.From, q.To)
	case chosen && q.From != "":
		return q, usagef("--since and --from say both when to begin: give one of them")
	case f.since > 0 && (chosen || q.From == "" && q.After == 0):
		q.From = now.Add(-f.since).UTC().Format(time.RFC3339)
	}
	return q, nil
}

const auditListLong = `Shows who did what in the last day, or since --from, in the daemon's zone. When the
list is cut, the first entries are left out; with --after, the last.

Exit codes: 0 shown, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newAuditList(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "Show who did what in the last day", Long: auditListLong, Args: noArguments}
	var f auditFlags
	var limit listLimit
	f.add(cmd, 24*time.Hour)
	limit.addFlag(cmd)
	r := newRemote(cmd, p, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		q, err := f.query(cmd, time.Now())
		if err != nil {
			return err
		}
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			q.Limit = limit.of(r)
			entries, more, err := r.auditEntries(ctx, c, q)
			if err != nil {
				return err
			}
			defer r.tellMore(more)
			if r.forPrograms() {
				return r.write(map[string]any{"entries": raws(entries, func(e client.AuditEntry) json.RawMessage { return e.Raw })})
			}
			zone := zoneOf(ctx, c)
			for i := range entries {
				entries[i].At = entries[i].At.In(zone)
			}
			return r.table(auditTable(entries, time.Now()), "no entries")
		})
	}
	return cmd
}

// auditEntries lists entries in their order: the last ones, if there is a limit and
// nothing says behind which to begin. more says whether there are later ones.
func (r *remote) auditEntries(
	ctx context.Context, c *client.Client, q client.AuditQuery,
) (entries []client.AuditEntry, more bool, err error) {
	q.Newest = q.Limit > 0 && q.After == 0
	entries, more, err = c.Audit(ctx, q)
	if q.Newest {
		entries, err = lastOf(r, entries, more, err)
		more = false // it is told
	}
	return entries, more, err
}

// zoneOf is the zone in which the daemon shows times; UTC when that can't be had. The
// audit alone comes in UTC, by which it is hashed.
func zoneOf(ctx context.Context, c *client.Client) *time.Location {
	status, err := c.Status(ctx)
	if err != nil {
		return time.UTC
	}
	return status.Zone()
}

func auditTable(entries []client.AuditEntry, now time.Time) *screen.Table {
	table := screen.NewTable("SEQ", "AT", "OUTCOME", "ACTION", "TARGET", "WHO", "FROM", "DETAIL")
	for _, e := range entries {
		table.Row(strconv.FormatUint(e.Seq, 10), screen.Instant(e.At, now), e.Outcome, e.Action, e.Target, e.Who, e.From, e.Detail)
	}
	return table
}

const auditVerifyLong = `Has the daemon walk the whole chain of hashes. It shows the hash of the last entry:
who keeps that elsewhere can also see later that the end was not cut off.

Exit codes: 0 the chain is whole, 1 it is broken, refused, or the daemon can't be
reached, 2 wrong flag.`

func newAuditVerify(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "verify", Short: "Check that no entry was changed or removed", Long: auditVerifyLong, Args: noArguments}
	r := newRemote(cmd, p, "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			v, err := c.VerifyAudit(ctx)
			if err != nil {
				return err
			}
			if r.forPrograms() {
				if err := r.write(v.Raw); err != nil {
					return err
				}
			}
			switch {
			case v.Broken > 0:
				return fmt.Errorf("the chain is broken at entry %d: %s", v.Broken, v.Why)
			case !r.forPrograms():
				r.say("the chain of %d entries is whole; the last one's hash is %s", v.Entries, printable(orElse(v.Head, "none")))
			}
			return nil
		})
	}
	return cmd
}

const auditExportLong = `Writes entries as JSON lines, complete with their hashes, so that others can verify
the chain too. Their times are in UTC, as they are hashed.

Exit codes: 0 written, 1 refused or the daemon can't be reached, 2 wrong flag.`

func newAuditExport(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "Write entries as JSON lines", Long: auditExportLong, Args: noArguments}
	var f auditFlags
	f.add(cmd, 0)
	file := cmd.Flags().String("write", "", "write to a new `file`, which only you can read")
	r := newRemote(cmd, p, "lines")
	cmd.Flags().Lookup("output").Hidden = true // lines of JSON are the only format
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		q, err := f.query(cmd, time.Now())
		if err != nil {
			return err
		}
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if *file == "" {
				return c.ExportAudit(ctx, q, pipeOf(r.stdout))
			}
			return r.exportAudit(ctx, c, q, *file)
		})
	}
	return cmd
}

// exportAudit leaves no file behind that is not whole.
func (r *remote) exportAudit(ctx context.Context, c *client.Client, q client.AuditQuery, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the caller's own choice
	if err != nil {
		return usagef("--write: %w", err)
	}
	if err := errors.Join(c.ExportAudit(ctx, q, file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
