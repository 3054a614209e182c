package remote

import (
	"testing"
	"time"
)

// Quote is quote, for its fuzz test.
var Quote = quote

// SetProc has the programs look for Linux's processes elsewhere, until the test
// ends.
func SetProc(t *testing.T, folder string) {
	before := proc
	proc = folder
	t.Cleanup(func() { proc = before })
}

// SetAliveInterval changes how often machines are asked, until the test ends.
func SetAliveInterval(t *testing.T, d time.Duration) {
	before := aliveInterval
	aliveInterval = d
	t.Cleanup(func() { aliveInterval = before })
}
