package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// listPlugins shows what the daemon says of its plugin folders.
func (r *remote) listPlugins(ctx context.Context, c *client.Client) error {
	plugins, err := c.Plugins(ctx)
	if err != nil {
		return err
	}
	if r.forPrograms() {
		err = r.write(map[string]any{"plugins": raws(plugins, func(p client.Plugin) json.RawMessage { return p.Raw })})
	} else {
		files := make([]engine.PluginFile, len(plugins))
		for i, p := range plugins {
			files[i] = fileOf(p)
		}
		err = writePlugins(r.stdout, r.screen(), "no files in the plugin folders of "+printable(c.Server()), files)
	}
	if err != nil {
		return err
	}
	for _, p := range plugins {
		if troubles[p.State] {
			return &exitError{code: exitFailure}
		}
	}
	return nil
}

// fileOf is a plugin of the API as the host has it.
func fileOf(p client.Plugin) engine.PluginFile {
	f := engine.PluginFile{
		Kind: engine.Kind(p.Kind), Path: p.Path, SHA256: p.SHA256, State: engine.PluginState(p.State),
		Warnings: p.Warnings, EnvRefused: p.EnvRefused, EnvHint: p.EnvHint,
	}
	for _, ref := range p.Refs {
		f.Refs = append(f.Refs, engine.Ref(ref))
	}
	if e := p.Error; e != nil {
		f.Error = &engine.PluginError{Stage: e.Stage, Message: e.Message, Hint: e.Hint, Stderr: e.Stderr}
	}
	return f
}

func newRescan(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rescan",
		Short: "Have the daemon look at its plugin folders now, and show what they hold",
		Args:  noArguments,
	}
	r := newRemote(cmd, p, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if err := c.Rescan(ctx); err != nil {
				return err
			}
			return r.listPlugins(ctx, c)
		})
	}
	return cmd
}
