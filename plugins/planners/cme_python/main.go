// Command cme_python serves the planner classes of the Chaos Monkey Engine's Python
// modules in the folder cme_modules beside this plugin's file. Nothing is built or
// installed for a module: it is served when it is there.
package main

import (
	"github.com/chaos-monkey-engine/cmed/plugins/cmepython"
	"github.com/chaos-monkey-engine/cmed/sdk"
)

func main() { sdk.ServeCatalogue(cmepython.Planners()) }
