package host

import (
	"fmt"
	"io/fs"
	"syscall"
)

// statKey identifies a state of a file: device, inode, size, mode and both
// times. The change time can't be set back, unlike the modification time.
func statKey(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Sprintf("%d:%d:%o", info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	return fmt.Sprintf("%d:%d:%d:%d:%d:%o", st.Dev, st.Ino, info.Size(),
		info.ModTime().UnixNano(), st.Ctim.Nano(), info.Mode())
}
