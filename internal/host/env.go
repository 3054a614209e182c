package host

import (
	"slices"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// searchPath is PATH in every plugin process, whatever the host's own is.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// marks are the variables that tell a process what it is part of.
func marks(mark, pluginPath string) []string {
	return []string{
		pluginv1.EnvRun + "=" + brand{mark, thisHost()}.String(),
		pluginv1.EnvPluginPath + "=" + pluginPath,
	}
}

// callEnv is the environment of a process that serves a call, before what is
// granted. The zone is UTC so that nothing depends on the machine's by accident;
// calls name the zone that counts.
func callEnv(mark, pluginPath, dir, scripts string, grace time.Duration) []string {
	env := append(marks(mark, pluginPath),
		"PATH="+searchPath,
		"HOME="+dir,
		"TMPDIR="+dir,
		"LANG=C.UTF-8",
		"TZ=UTC",
		pluginv1.EnvLifeline+"=stdin",
		pluginv1.EnvGrace+"="+grace.String(),
	)
	if scripts != "" {
		env = append(env, pluginv1.EnvScripts+"="+scripts)
	}
	return env
}

// overlay joins environments. Of a variable that is in several the last counts,
// and no other is left: of two entries with one name some programs read the
// first and some the last.
func overlay(layers ...[]string) []string {
	var env []string
	at := map[string]int{}
	for _, entry := range slices.Concat(layers...) {
		name, _, _ := strings.Cut(entry, "=")
		if i, ok := at[name]; ok {
			env[i] = entry
			continue
		}
		at[name] = len(env)
		env = append(env, entry)
	}
	return env
}
