package e2e

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// anonymous returns the daemon's anonymous memory in bytes (proc(5)), 0 when it
// can't be read.
func (d *daemon) anonymous() int64 {
	status, _ := os.ReadFile(procFile(d.command.Process.Pid, "status"))
	_, after, _ := strings.Cut(string(status), "RssAnon:")
	kib, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, _ := strconv.ParseInt(kib, 10, 64)
	return n << 10
}

// watchMemory looks at the daemon's memory until the function returned is
// called, which returns the most it saw.
func (d *daemon) watchMemory() func() int64 {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var peak int64
		for {
			peak = max(peak, d.anonymous())
			select {
			case <-tick.C:
			case <-stop:
				most <- peak
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-most }
}

// cpuTicks returns the processor time the daemon has used, in ticks of 10 ms.
func (d *daemon) cpuTicks(t *testing.T) int64 {
	t.Helper()
	stat, err := os.ReadFile(procFile(d.command.Process.Pid, "stat"))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from state on
	var ticks int64
	for _, field := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return ticks
}

// checkIdle wants ten seconds to come soon in which the daemon uses no
// processor time that the kernel's ticks show, give or take one.
func (d *daemon) checkIdle(t *testing.T) {
	t.Helper()
	const span = 10 * time.Second
	deadline := time.Now().Add(6 * span)
	for {
		before := d.cpuTicks(t)
		time.Sleep(span) // the time that is measured
		used := d.cpuTicks(t) - before
		if used <= 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("idle, the daemon used %d ms of processor time in %s", used*10, span)
			return
		}
	}
}
