//go:build !linux

package host

import (
	"fmt"
	"io/fs"
)

// statKey identifies a state of a file by size, mode and modification time.
func statKey(info fs.FileInfo) string {
	return fmt.Sprintf("%d:%d:%o", info.Size(), info.ModTime().UnixNano(), info.Mode())
}
