package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// anonymousMemory returns how many bytes of anonymous memory a process has
// resident: RssAnon of proc(5). Pages of files, such as those of the store, are
// not among them: the kernel can drop them.
func anonymousMemory(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") //nolint:gosec // a number
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("process %d has ended, or this kernel does not count RssAnon", pid)
}
