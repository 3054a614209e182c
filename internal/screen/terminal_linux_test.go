package screen

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal opens a pseudo terminal with the width given, and returns its
// screen's end.
func openTerminal(t *testing.T, columns uint16) *os.File {
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
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	return screen
}

func TestWhatAScreenCanShow(t *testing.T) {
	terminal := openTerminal(t, 91)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, test := range []struct {
		name string
		on   any
		env  map[string]string
		want Screen
	}{
		{"a terminal", terminal, nil, Screen{Watched: true, Colour: true, Width: 91}},
		{"a terminal of another width", terminal, map[string]string{"COLUMNS": "40"}, Screen{Watched: true, Colour: true, Width: 40}},
		{"a width that is none", terminal, map[string]string{"COLUMNS": "x"}, Screen{Watched: true, Colour: true, Width: 91}},
		{"without colours", terminal, map[string]string{"NO_COLOR": "1"}, Screen{Watched: true, Width: 91}},
		{"NO_COLOR without a value says nothing", terminal, map[string]string{"NO_COLOR": ""}, Screen{Watched: true, Colour: true, Width: 91}},
		{"a dumb terminal", terminal, map[string]string{"TERM": "dumb"}, Screen{Width: 91}},
		{"a device that is no terminal", null, map[string]string{"COLUMNS": "40"}, Screen{}},
		{"no file", &bytes.Buffer{}, map[string]string{"COLUMNS": "40"}, Screen{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Of(test.on.(interface{ Write([]byte) (int, error) }), func(name string) string { return test.env[name] })
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	if got := (Screen{}).Paint(Red, "x"); got != "x" {
		t.Errorf("%q is coloured", got)
	}
	if got, want := (Screen{Colour: true}).Paint(OfState("lost"), "x"), "\x1b[31mx\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
