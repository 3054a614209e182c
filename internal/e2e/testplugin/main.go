// Command testplugin is what the end-to-end tests attack with. Under its own
// file name it offers the attacks e2e:…; under another name, NAME, it offers
// NAME:Count only, so that a test can have any number of plugins.
//
// Each time it describes itself it adds a line to the file .described beside
// the plugin file, if there is one.
package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

func main() {
	path := os.Getenv(pluginv1.EnvPluginPath)
	if len(os.Args) > 1 && os.Args[1] == pluginv1.DescribeArg {
		countDescription(filepath.Dir(path))
	}
	if len(os.Args) > 1 && runChild(os.Args[1]) {
		return
	}
	name := strings.ReplaceAll(filepath.Base(path), "-", "_")
	if path != "" && name != "testplugin" {
		sdk.Serve(counter(name+":Count", sdk.SelfLimiting))
	}
	sdk.Serve(counter("e2e:Count", sdk.SelfLimiting), counter("e2e:Final", sdk.Irreversible), harm, sleeper, stubborn, outlaw,
		careful, observer)
}

// countDescription leaves a mark where a test asks for it.
func countDescription(folder string) {
	file, err := os.OpenFile(filepath.Join(folder, ".described"), os.O_WRONLY|os.O_APPEND, 0) //nolint:gosec // the test's own folder
	if err != nil {
		return
	}
	_, _ = file.WriteString("described\n")
	_ = file.Close()
}
