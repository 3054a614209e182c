//go:build unix && !linux

package host

import (
	"context"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// Reap removes the files of processes that an earlier daemon left. The processes
// themselves can't be found here.
func (h *Host) Reap(context.Context) (engine.Reaped, error) {
	return engine.Reaped{}, h.clearRunRoot()
}
