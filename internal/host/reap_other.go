//go:build unix && !linux

package host

import "context"

// Reap removes the files of processes that an earlier daemon left. The processes
// themselves can't be found here.
func (h *Host) Reap(context.Context) error { return h.clearRunRoot() }
