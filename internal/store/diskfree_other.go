//go:build !linux

package store

import "os"

// diskFree is not known: how to ask differs from system to system.
func diskFree(*os.File) (int64, bool) { return 0, false }
