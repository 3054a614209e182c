package torture

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// anonymous returns the daemon's anonymous memory in bytes (proc(5)).
func (d *daemon) anonymous() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "RssAnon:")
	kb, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, _ := strconv.ParseInt(kb, 10, 64)
	return n << 10
}

// watchMemory looks at the daemon's memory until the function returned is
// called, which returns the most it saw.
func (d *daemon) watchMemory() func() int64 {
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var most int64
		for {
			most = max(most, d.anonymous())
			select {
			case <-tick.C:
			case <-stop:
				done <- most
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-done }
}

// cpu returns the processor time the daemon has used, in clock ticks of 10 ms.
func (d *daemon) cpu() int64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.process.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			d.t.Fatal(err)
		}
		ticks += n
	}
	return ticks
}

// isIdle wants ten seconds to come soon in which the daemon uses no more than
// one tick: an hour of them would be less than a minute even so, and in truth
// the ticks are rounded up.
func (d *daemon) isIdle() {
	d.t.Helper()
	const span = 10 * time.Second
	var used int64
	if !eventually(4*span, func() bool {
		before := d.cpu()
		time.Sleep(span) // the time that is measured
		used = d.cpu() - before
		return used <= 1
	}) {
		d.t.Errorf("idle, the daemon used %d ms of CPU in %s", used*10, span)
	}
}
