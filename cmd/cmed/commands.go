package main

import "github.com/spf13/cobra"

// clientCommands are those that call a daemon, and context, which says which.
func clientCommands(p program) []*cobra.Command {
	return []*cobra.Command{
		newStatus(p), newHealth(p), newHalt(p), newResume(p),
		newAttacks(p), newPlanners(p), newPlugins(p),
		newPlan(p), newExecutor(p), newUndos(p), newEvents(p),
		newKey(p), newAudit(p), newContext(p),
	}
}
