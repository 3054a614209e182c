// Command torturer is the plugin that make torture attacks with. Its file name
// says what it plays: an attack built with the SDK, one that speaks the bare
// protocol so that it can do what the SDK never would, one that can't even
// greet, or the planner that hands each run its script.
package main

import (
	"os"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/torture/script"
	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func main() {
	describing := len(os.Args) > 1 && os.Args[1] == pluginv1.DescribeArg
	switch filepath.Base(os.Getenv(pluginv1.EnvPluginPath)) {
	case script.PlannerFile:
		sdk.Serve(planner)
	case script.RawFile:
		if !describing {
			serveRaw()
		}
		sdk.Serve(attack(script.Raw))
	case script.BabbleFile:
		if !describing {
			babble()
		}
		sdk.Serve(attack(script.Babble))
	default:
		sdk.Serve(attack(script.Attack))
	}
}
