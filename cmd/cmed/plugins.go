package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const pluginsLong = `Shows every file in the plugin folders: whether it serves, what it offers, and what is
wrong with it. A daemon that runs is asked what it has; it is found as by the other
commands that call one.

With --scan, with a flag that concerns the folders, or if nobody named a daemon and
none answers, the folders are scanned as a daemon would do it. No daemon is needed
for that, and one that runs is not disturbed: the scan uses a folder of its own and no
database. Every executable file in the folders is executed, to ask what it offers.

Exit codes: 0 every plugin serves, 1 one is broken, incompatible or in conflict
with another, a folder that was named can't be read, the scan failed or the daemon
refused, 2 wrong flag or configuration.`

// showing is one call of cmed plugins.
type showing struct {
	*remote
	settings settings
	scan     bool
}

func newPlugins(p program) *cobra.Command {
	l := &showing{settings: settings{}}
	cmd := &cobra.Command{
		Use:   "plugins",
		Short: "Show what is in the plugin folders, and what is wrong with it",
		Long:  pluginsLong,
		Args:  noArguments,
	}
	addFlags(cmd, l.settings, func(o option) bool { return o.scan })
	addPlannersShorthand(cmd, l.settings)
	cmd.Flags().Lookup(optLogLevel).DefValue = "error"
	cmd.Flags().BoolVar(&l.scan, "scan", false, "scan the folders here, without a daemon")
	l.remote = newRemote(cmd, p, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return l.show(cmd.Context()) }
	cmd.AddCommand(newRescan(p))
	return cmd
}

// show asks the daemon, or scans.
func (l *showing) show(ctx context.Context) error {
	if l.scan || len(l.settings) > 0 {
		return l.scanHere(ctx)
	}
	d, err := l.where.daemon(l.program)
	if err != nil {
		return err
	}
	err = l.run(ctx, l.listPlugins)
	if d.from != "" || !isUnreachable(err) {
		return err
	}
	fmt.Fprintf(l.stderr, "no daemon answers at %s: the folders are scanned here\n", d.server)
	return l.scanHere(ctx)
}

// scanHere scans and shows what was found. The error is without words when the
// plugins are broken, not the scan.
func (l *showing) scanHere(ctx context.Context) error {
	// What is found is shown anyway.
	quiet := settings{optLogLevel: {[]string{"error"}, "default of --" + optLogLevel}}
	cfg, err := load(l.settings, l.env, quiet)
	if err != nil {
		return err
	}
	if err := checkForScan(cfg); err != nil {
		return err
	}
	setUmask()
	o, release := takeOrders(ctx, l.signals)
	defer release()
	files, err := scanOnce(o.stop, cfg, l.stderr)
	if err != nil {
		return err
	}
	if l.forPrograms() {
		err = l.write(map[string]any{"plugins": files})
	} else {
		err = writePlugins(l.stdout, l.screen(), fmt.Sprintf("no files in %s and %s", cfg.attacksDir, cfg.plannersDir), files)
	}
	if err != nil {
		return fmt.Errorf("write what was found: %w", err)
	}
	if slices.ContainsFunc(files, isBroken) {
		return &exitError{code: exitFailure}
	}
	return nil
}

// scanOnce looks at the folders with a host that leaves nothing behind.
func scanOnce(ctx context.Context, cfg *config, stderr io.Writer) (files []engine.PluginFile, err error) {
	if err := host.Harden(); err != nil {
		return nil, fmt.Errorf("protect the process: %w", err)
	}
	state, err := os.MkdirTemp("", "cmed-plugins-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the scan: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	h, err := host.New(host.Config{
		AttacksDir:    cfg.attacksDir,
		PlannersDir:   cfg.plannersDir,
		ScriptsDir:    cfg.scriptsDir,
		StateDir:      state,
		StoreID:       rand.Text(),
		Cache:         forgetful{},
		Grants:        cfg.grants,
		DefaultGrants: !cfg.grantsChosen,
		Confine:       cfg.confine,
		RunAs:         cfg.runAs,
		Logger:        newLogger(cfg, stderr).Named("host"),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the plugin host: %w", err)
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := h.Start(ctx); err != nil {
		return nil, fmt.Errorf("scan the plugin folders: %w", err)
	}
	return h.Plugins(), nil
}

// forgetful is a host.Cache that keeps nothing: one scan reads nothing twice.
type forgetful struct{}

func (forgetful) Cached(string) ([]byte, bool, error) { return nil, false, nil }
func (forgetful) PutCached(string, []byte) error      { return nil }
func (forgetful) DropCached(string) error             { return nil }
func (forgetful) CachedKeys(string) ([]string, error) { return nil, nil }

// isBroken says whether a file was meant to serve and does not.
func isBroken(f engine.PluginFile) bool {
	switch f.State {
	case engine.PluginBroken, engine.PluginConflict, engine.PluginIncompatible:
		return true
	default:
		return false
	}
}

// writePlugins shows the files, and what is wrong with each.
func writePlugins(w io.Writer, s screen.Screen, empty string, files []engine.PluginFile) error {
	if len(files) == 0 {
		_, err := fmt.Fprintln(w, empty)
		return err
	}
	table := screen.NewTable("STATE", "KIND", "FILE", "REFS")
	for _, f := range files {
		table.Row(string(f.State), string(f.Kind), f.Path, refList(f.Refs))
	}
	if err := table.Write(w, s); err != nil {
		return err
	}
	for _, f := range files {
		writeTrouble(w, f)
	}
	return nil
}

// writeTrouble explains what is wrong with a file, if anything is.
func writeTrouble(w io.Writer, f engine.PluginFile) {
	if f.Error != nil {
		fmt.Fprintf(w, "\n%s (%s): %s: %s\n", printable(f.Path), printable(string(f.State)), printable(f.Error.Stage), printable(f.Error.Message))
		if f.Error.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", printable(f.Error.Hint))
		}
		for line := range strings.Lines(f.Error.Stderr) {
			fmt.Fprintf(w, "  stderr: %s\n", printable(strings.TrimRight(line, "\r\n")))
		}
	}
	if len(f.Warnings) > 0 {
		fmt.Fprintf(w, "\n%s can't offer all it has:\n", printable(f.Path))
		for _, warning := range f.Warnings {
			fmt.Fprintf(w, "  warning: %s\n", printable(warning))
		}
	}
	if len(f.EnvRefused) > 0 {
		fmt.Fprintf(w, "\n%s asks for %s, which it is not granted; to grant it: %s\n",
			printable(f.Path), printable(strings.Join(f.EnvRefused, ", ")), printable(f.EnvHint))
	}
}

func refList(refs []engine.Ref) string {
	if len(refs) == 0 {
		return "-"
	}
	texts := make([]string, len(refs))
	for i, r := range refs {
		texts[i] = printable(string(r))
	}
	return strings.Join(texts, ", ")
}
