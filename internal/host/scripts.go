package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/exposure"
)

// maxScripts is how many files the scripts folder of a host that is root may
// hold: all of them are judged.
const maxScripts = 10_000

// scriptsFolder is what processes are told of the scripts folder: "" when there
// is none, or when it must not be used.
func (h *Host) scriptsFolder() string {
	if h.scripts.Load() != nil {
		return ""
	}
	return h.cfg.ScriptsDir
}

// lacks says in words what the processes of an offer are not given.
func (h *Host) lacks(o engine.Offer) []string {
	var out []string
	if withheld := o.Withheld(); withheld != "" {
		out = append(out, withheld)
	}
	if wrong := h.scripts.Load(); wrong != nil {
		out = append(out, fmt.Sprintf("the scripts folder %s %s; to mend that: %s", h.cfg.ScriptsDir, wrong.Message, wrong.Hint))
	}
	return out
}

// judgeScripts decides whether the scripts folder may be used. What lies in
// there is executed on other machines, often as root, so a host that is root
// keeps it from its plugins while others than root can change it, as it doesn't
// execute plugin files of which that is so.
func (h *Host) judgeScripts() {
	if h.cfg.ScriptsDir == "" || os.Geteuid() != 0 {
		return
	}
	now := exposedScripts(h.cfg.ScriptsDir)
	before := h.scripts.Swap(now)
	switch {
	case now != nil && (before == nil || *now != *before):
		h.log.Error("no attack is given the scripts folder", "folder", h.cfg.ScriptsDir, "reason", now.Message, "hint", now.Hint)
	case now == nil && before != nil:
		h.log.Info("the scripts folder can be used again", "folder", h.cfg.ScriptsDir)
	}
}

// exposedScripts says what is wrong with a folder of scripts, what is in it and
// what is above it; nil if nothing is.
func exposedScripts(dir string) *engine.PluginError {
	if e := exposure.Way(dir); e != nil {
		return refusal(e, "is not used by root")
	}
	var wrong *engine.PluginError
	n := 0
	_ = filepath.WalkDir(resolved(dir), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return nil // what can't be read is not executed either
		}
		n++
		if e := exposure.File(path); e != nil {
			wrong = refusal(e, "is not used by root")
		} else if n > maxScripts {
			wrong = &engine.PluginError{
				Stage: "permissions", Message: fmt.Sprintf("is not used by root: it holds more than %d files", maxScripts),
				Hint: "name a folder that holds scripts alone (--scripts-folder)",
			}
		}
		if wrong != nil {
			return fs.SkipAll
		}
		return nil
	})
	return wrong
}
