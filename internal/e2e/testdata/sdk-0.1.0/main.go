// Command old is a plugin as an author wrote it with SDK 0.1.0. It is kept as a
// binary, to prove that what was built then serves today; this source tells what
// is in there, and is not built any more.
package main

import "github.com/chaos-monkey-engine/cmed/sdk"

func main() {
	sdk.Serve(
		sdk.Attack[Args]{
			Info: sdk.Info{
				Ref:         "old:Attack",
				Aliases:     []string{"old.Attack"},
				Title:       "An old attack",
				Description: "Creates files, holds them and takes them away.",
				Version:     "1.2.3",
				Effect:      sdk.Undoable,
				Example:     Args{File: "/tmp/old"},
				Env:         []string{"OLD_*"},
				DryRun:      true,
			},
			Run:     run,
			Undo:    undo,
			Targets: targets,
			Check:   check,
		},
		sdk.Planner[PlannerArgs]{
			Info: sdk.Info{
				Ref:     "old:Planner",
				Title:   "An old planner",
				Example: PlannerArgs{Date: "2030-01-01T00:00"},
			},
			Plan: plan,
		},
	)
}
