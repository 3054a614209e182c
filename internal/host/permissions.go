package host

import (
	"fmt"
	"os"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/exposure"
)

// refusal is how the plugin list shows what is exposed; verdict is what becomes of
// it.
func refusal(e *exposure.Exposure, verdict string) *engine.PluginError {
	return &engine.PluginError{
		Stage: "permissions", Message: fmt.Sprintf("%s: others can write to %s", verdict, e), Hint: e.Remedy(false),
	}
}

// guard refuses candidates that others than root can change, if the host is
// root. It comes after every other refusal, and counts as a state of the file:
// when the permissions are mended, the file is looked into.
func guard(dir string, found []candidate) {
	if os.Geteuid() != 0 || len(found) == 0 {
		return
	}
	folder := exposure.Way(dir)
	for i := range found {
		c := &found[i]
		e := folder
		if e == nil {
			e = exposure.File(c.path)
		}
		if e != nil && c.refusal == nil {
			c.verdict, c.refusal = engine.PluginBroken, refusal(e, "is not executed by root")
			c.stat += " " + c.refusal.Message
		}
	}
}
