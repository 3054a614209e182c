package main

import "github.com/spf13/cobra"

// nearest returns the known name that name is most likely a slip for, or "". It
// uses the measure by which cobra suggests commands.
func nearest(name string, known []string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, k := range known {
		names.AddCommand(&cobra.Command{Use: k, Run: func(*cobra.Command, []string) {}})
	}
	if near := names.SuggestionsFor(name); len(near) > 0 {
		return near[0]
	}
	return ""
}
