package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

const storeBackupLong = `Copies the database, as it is at one instant, to a new file that only you can
read, and checks the copy. In a folder, the file is named by the time.

While a daemon runs on the database, it is asked for the copy, over its socket; one
elsewhere is asked with --server or --context, and needs a key with the role admin.
A daemon that is started on a backup has its lever engaged: nothing runs before
somebody has looked.

The copy holds everything, the secrets of plans too.

Exit codes: 0 made and whole, 1 failed or the copy is damaged, 2 wrong flag, 3 a
daemon has the database and can't be asked.`

// backingUp is one call of cmed store backup.
type backingUp struct {
	*storeCall
	where where
}

func newStoreBackup(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database, while a daemon runs or not",
		Long:  storeBackupLong,
		Args:  oneArgument("the file or the folder for the copy"),
	}
	b := &backingUp{storeCall: newStoreCall(cmd, p)}
	b.where.addFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return b.run(cmd.Context(), func(ctx context.Context, progress store.Progress) error {
			return b.backup(ctx, args[0], progress)
		})
	}
	return cmd
}

func (b *backingUp) backup(ctx context.Context, to string, progress store.Progress) error {
	isFolder := strings.HasSuffix(to, string(filepath.Separator))
	to = besides(to)
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, "cmed-"+time.Now().UTC().Format("20060102T150405Z")+".backup")
	} else if isFolder {
		return usagef("there is no folder %s: make it first", to)
	}
	from, err := b.copy(ctx, to, progress)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%w: take another name, or remove that file", err)
	}
	if err != nil {
		return err
	}
	report, err := store.Check(ctx, to, progress)
	if err != nil {
		return fmt.Errorf("%s is made, and could not be checked: %w", to, err)
	}
	if b.output.forPrograms() {
		err := b.output.write(b.stdout, map[string]any{"file": to, "from": from, "report": checked{report, report.Whole()}})
		if err == nil && !report.Whole() {
			err = &exitError{code: exitFailure}
		}
		return err
	}
	b.text("made from %s", printable(from))
	return b.verdict(report)
}

// copy makes the file and returns what it was made from: the daemon that is
// named, else the database, else the daemon that runs on it.
func (b *backingUp) copy(ctx context.Context, to string, progress store.Progress) (from string, err error) {
	elsewhere, err := b.elsewhere()
	if err != nil {
		return "", err
	}
	if elsewhere != nil {
		return elsewhere.server, b.fetch(ctx, *elsewhere, to, progress)
	}
	_, err = store.Backup(ctx, b.cfg.database, to, progress)
	if !errors.Is(err, store.ErrInUse) {
		return b.cfg.database, err
	}
	if b.cfg.socket == noSocket {
		return "", fmt.Errorf("%w; it has no socket here to be asked over: name it with --server", err)
	}
	here := called{server: "unix:" + besides(b.cfg.socket)}
	asked := b.fetch(ctx, here, to, progress)
	if _, ok := errors.AsType[*client.Unreachable](asked); ok {
		return "", fmt.Errorf("%w; and it can't be asked over its socket: %w", err, asked)
	}
	return here.server, asked
}

// elsewhere is the daemon that somebody named, by a flag, CMED_SERVER or the
// current context; nil when nobody did, or when they named a database.
func (b *backingUp) elsewhere() (*called, error) {
	named := b.where.server != "" || b.where.context != ""
	_, database := b.given[optDatabase]
	_, state := b.given[optState]
	if !named && (database || state) {
		return nil, nil //nolint:nilnil // nobody did
	}
	d, err := b.where.daemon(b.program)
	if err != nil {
		return nil, err
	}
	if d.context == "" && (d.from == "" || d.from == portVariable) {
		return nil, nil //nolint:nilnil // nobody did: the port is also that of a daemon to be
	}
	return &d, nil
}

// fetch has a daemon send its backup into a new file.
func (b *backingUp) fetch(ctx context.Context, from called, to string, progress store.Progress) error {
	c, err := from.client()
	if err != nil {
		return err
	}
	progress("asking the daemon at " + from.server)
	return explain(store.SaveBackup(to, func(w io.Writer) error {
		_, err := c.Backup(ctx, &telling{w: w, progress: progress})
		return err
	}), from, b.program)
}

// telling tells how much was written.
type telling struct {
	w              io.Writer
	progress       store.Progress
	written, shown int64
}

func (t *telling) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	if t.written += int64(n); t.written-t.shown >= 8<<20 {
		t.shown = t.written
		t.progress("received " + mebibytes(t.written))
	}
	return n, err
}
