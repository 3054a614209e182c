package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal opens a pseudo terminal: what is written to the screen can be read
// from the master.
func openTerminal(t *testing.T) (master, screen *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return master, screen
}

// Who follows events at a terminal is told that it has begun, while nothing happens.
func TestFollowingEventsBeginsWithALine(t *testing.T) {
	master, screen := openTerminal(t)
	seen := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-seen
		fmt.Fprint(w, "event: lever.released\ndata: {\"lever\":{}}\n\n")
	}))
	defer s.Close()
	var stdout buffer
	p := program{args: []string{"events", "-f", "--server", s.URL}, stdout: &stdout, stderr: screen}
	signals := make(chan os.Signal, 1)
	p.signals = signals
	code := make(chan int, 1)
	go func() { code <- run(t.Context(), p) }()
	said := make(chan string, 1)
	go func() { // the end of the terminal ends it
		line, _ := bufio.NewReader(master).ReadString('\n')
		said <- line
	}()
	want := "waiting for events of " + s.URL + "; Ctrl-C ends\r\n"
	select {
	case line := <-said:
		if line != want {
			t.Errorf("it says %q; want %q", line, want)
		}
	case <-time.After(patience):
		t.Fatalf("it does not say %q", want)
	}
	close(seen)
	await(t, &stdout, "lever.released")
	signals <- os.Interrupt
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}
