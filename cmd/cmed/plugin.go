package main

import "github.com/spf13/cobra"

const pluginLong = `For authors of plugins, and for who is about to use somebody else's. No daemon is
needed, and one that runs is not disturbed.

To see what is in the folders of a daemon: cmed plugins.`

// newPlugin is the parent of what concerns one plugin file.
func newPlugin(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Write, check and try plugins",
		Long:  pluginLong,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPluginNew(p), newPluginCheck(p), newPluginRun(p), newPluginUndo(p))
	return cmd
}
