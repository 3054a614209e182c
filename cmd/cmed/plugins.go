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
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

const pluginsLong = `Scans the plugin folders as the daemon would and shows every file: whether it
serves, what it offers, and what is wrong with it. No daemon is needed, and one
that runs is not disturbed: the scan uses a folder of its own and no database.

Every executable file in the folders is executed, to ask what it offers.

Exit codes: 0 every plugin serves, 1 one is broken, incompatible or in conflict
with another, a folder that was named can't be read, or the scan failed, 2 wrong flag or configuration.`

func newPlugins(p program) *cobra.Command {
	s := settings{}
	output := outputFlag("table")
	// What is found is shown anyway.
	quiet := settings{optLogLevel: {[]string{"error"}, "default of --" + optLogLevel}}
	cmd := &cobra.Command{
		Use:   "plugins",
		Short: "Scan the plugin folders and show what they hold",
		Long:  pluginsLong,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(s, p.env, quiet)
			if err != nil {
				return err
			}
			return showPlugins(cmd.Context(), cfg, p, output.text == formatJSON)
		},
	}
	addFlags(cmd, s, func(o option) bool { return o.scan })
	addPlannersShorthand(cmd, s)
	cmd.Flags().Lookup(optLogLevel).DefValue = "error"
	cmd.Flags().VarP(output, "output", "o", output.usage())
	return cmd
}

// showPlugins scans and writes what was found. The error is without words when
// the plugins are broken, not the scan.
func showPlugins(ctx context.Context, cfg *config, p program, asJSON bool) error {
	if err := checkForScan(cfg); err != nil {
		return err
	}
	setUmask()
	o, release := takeOrders(ctx, p.signals)
	defer release()
	files, err := scanOnce(o.stop, cfg, p.stderr)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(p.stdout, map[string]any{"plugins": files})
	} else {
		err = writePluginTable(p.stdout, cfg, files)
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

func writePluginTable(w io.Writer, cfg *config, files []engine.PluginFile) error {
	if len(files) == 0 {
		_, err := fmt.Fprintf(w, "no files in %s and %s\n", cfg.attacksDir, cfg.plannersDir)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STATE\tKIND\tFILE\tREFS")
	for _, f := range files {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.State, f.Kind, printable(f.Path), refList(f.Refs))
	}
	if err := table.Flush(); err != nil {
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
		fmt.Fprintf(w, "\n%s (%s): %s: %s\n", printable(f.Path), f.State, f.Error.Stage, printable(f.Error.Message))
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

// printable is what a plugin said, without what would drive a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case r == '\t':
			return ' '
		}
		return '\uFFFD'
	}, s)
}
