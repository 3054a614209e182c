package cmepython

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/sdk"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Folder is the name of the folder of modules, beside the plugin file. It may be
// a link.
const Folder = "cme_modules"

// Attacks serves the attack classes of the folder.
func Attacks() sdk.Catalogue { return bridge{kind: "attack", folder: beside()}.catalogue() }

// Planners serves the planner classes of the folder.
func Planners() sdk.Catalogue { return bridge{kind: "planner", folder: beside()}.catalogue() }

// beside is the folder of modules of this plugin, which is executed as a copy.
func beside() string {
	file := os.Getenv(pluginv1.EnvPluginPath)
	if file == "" { // started by hand
		file, _ = os.Executable()
	}
	return filepath.Join(filepath.Dir(file), Folder)
}

// bridge serves one kind of classes.
type bridge struct {
	kind   string // attack, planner
	folder string // the modules'
	// path is where python3 is looked for; PATH if it is empty.
	path string
}

func (b bridge) catalogue() sdk.Catalogue {
	return sdk.Catalogue{List: b.list, Find: b.find, Watch: b.watch}
}

// find answers without looking: which class has the ref is for the process of the
// run to find out, which imports the module anyway. That process also refuses a
// dry run of a class that doesn't declare one.
func (b bridge) find(_ context.Context, ref string) (sdk.Offer, error) {
	if _, err := os.Stat(b.folder); err != nil {
		return nil, fmt.Errorf("the folder of modules: %w", err)
	}
	canonical, alias, ok := names(ref)
	if !ok {
		return nil, errors.New(wrongRef(ref))
	}
	return b.offer(sdk.Info{Ref: canonical, Aliases: []string{alias}, DryRun: b.kind == "attack"}), nil
}

// interpreter makes sure that the modules may be executed and returns the
// python3 for them.
func (b bridge) interpreter() (string, error) {
	if e := exposedModules(b.folder); e != nil {
		return "", e
	}
	if own := filepath.Join(b.folder, ".venv", "bin", "python3"); isProgram(own) {
		return own, nil
	}
	for _, dir := range filepath.SplitList(cmp.Or(b.path, os.Getenv("PATH"), searchPath)) {
		if file := filepath.Join(dir, "python3"); filepath.IsAbs(dir) && isProgram(file) {
			return file, nil
		}
	}
	return "", errNoPython
}

// isProgram says whether a path leads to a file with a run bit.
func isProgram(path string) bool {
	info, err := os.Stat(path) //nolint:gosec // PATH is the operator's
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// errNoPython is returned when there is nothing to run modules with.
var errNoPython = errors.New("there is no python3 in " + searchPath +
	"; install it (Debian: apt-get install python3, version 3.7 or newer) and touch the folder of modules")

// searchPath is PATH in every plugin process but while it describes itself: then
// it has none.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
