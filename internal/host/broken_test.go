package host

import "testing"

func TestLastLine(t *testing.T) {
	for said, want := range map[string]string{
		"":             "",
		"one\ntwo\n\n": "two",
		"on\npanic: no time\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1 +0x1d\n":             "panic: no time",
		"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select (no cases)]:\n": "fatal error: all goroutines are asleep - deadlock!",
		"Traceback (most recent call last):\n  File \"x.py\"\nKeyError: 'a'\n":                     "KeyError: 'a'",
	} {
		if got := lastLine(said); got != want {
			t.Errorf("of %q: %q, want %q", said, got, want)
		}
	}
}
