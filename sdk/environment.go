package sdk

import (
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// ScriptsFolder is the operator's folder of scripts that attacks may take to
// other machines, as an absolute path. It need not exist, or be readable for
// this process. It is "" where there is none: outside a host, while the plugin
// describes itself, and where the host runs as root and others could change what
// is in the folder.
//
// A path in there that comes from a plan is opened with os.OpenInRoot, so that
// it can't lead out.
func ScriptsFolder() string { return os.Getenv(pluginv1.EnvScripts) }
