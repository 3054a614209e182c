package engine

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// readBootTime reads CLOCK_BOOTTIME and the kernel's boot id (random(4)).
func readBootTime() BootTime {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return BootTime{}
	}
	return BootTime{ID: bootID(), Elapsed: time.Duration(ts.Nano())}
}

var bootID = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
})
