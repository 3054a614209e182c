package cmepython

import (
	"errors"
	"fmt"
	"os"

	"github.com/chaos-monkey-engine/cmed/internal/exposure"
)

// exposedError is that others than root could decide what root would execute.
type exposedError struct{ at *exposure.Exposure }

func (e *exposedError) Error() string {
	return fmt.Sprintf("modules are not executed by root where others can write to %s; mend it: %s", e.at, e.at.Remedy(true))
}

func isExposed(err error) bool {
	var e *exposedError
	return errors.As(err, &e)
}

// exposedModules returns what is wrong with the folder of modules, the folders
// above it, or anything in it, if this process is root's; nil if nothing is, or
// nothing is there.
func exposedModules(folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if e := exposure.Tree(folder); e != nil {
		return &exposedError{e}
	}
	return nil
}
