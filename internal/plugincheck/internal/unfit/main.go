// Command unfit is a plugin for the tests of the check: it does everything as it
// should, but for one fault. Its file name up to the first dot names the fault;
// "fit" has none. It is written against the bare protocol, so that it can do what
// the SDK never would; the faults of authors who use the SDK begin with "sdk-".
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func main() {
	name := faultNamed(os.Getenv(pluginv1.EnvPluginPath))
	if serveSDK, ok := sdkFaults[name]; ok {
		serveSDK()
	}
	fault, ok := faults[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no fault %q\n", name)
		os.Exit(1)
	}
	p := fit()
	fault(p)
	switch {
	case len(os.Args) == 1:
		serve(p)
	case os.Args[1] == pluginv1.DescribeArg:
		p.print(p.description())
	default:
		for name := range faults {
			fmt.Println(name)
		}
	}
}

// faultNamed is the fault that a file is named after.
func faultNamed(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

// faults are what can be wrong with the plugin, by name.
var faults = map[string]func(*behaviour){"fit": func(*behaviour) {}}

// register adds a fault: what is changed of a plugin that is fit.
func register(name string, fault func(*behaviour)) {
	if _, there := faults[name]; there {
		panic("two faults are called " + name)
	}
	faults[name] = fault
}

// printDescription is how a fit plugin answers the describe argument.
func printDescription(d pluginv1.Description) { _ = json.NewEncoder(os.Stdout).Encode(d) }
