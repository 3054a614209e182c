//go:build failpoints

package failpoint

import (
	"syscall"
	"testing"
	"time"
)

func TestEntriesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	rules, err := parse("engine/claimed=kill@3; store/commit=error(ENOSPC)@2+;host/finished=sleep(200ms);")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]rule{
		EngineClaimed: {kill: true, from: 3},
		StoreCommit:   {err: syscall.ENOSPC, from: 2, onwards: true},
		HostFinished:  {sleep: 200 * time.Millisecond, from: 1},
	}
	if len(rules) != len(want) {
		t.Fatalf("read %d entries, want %d: %v", len(rules), len(want), rules)
	}
	for name, w := range want {
		if got := rules[name]; got != w {
			t.Errorf("%s: read %+v, want %+v", name, got, w)
		}
	}
}

func TestTheCountSaysWhichHitsAreMeant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rule rule
		want [4]bool
	}{
		{"the second only", rule{from: 2}, [4]bool{false, true, false, false}},
		{"from the second on", rule{from: 2, onwards: true}, [4]bool{false, true, true, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for i, want := range tt.want {
				if got := tt.rule.applies(int64(i + 1)); got != want {
					t.Errorf("hit %d: %v, want %v", i+1, got, want)
				}
			}
		})
	}
}

func TestWhatCannotBeReadIsRefusedInWords(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"engine/claimed", `"engine/claimed": want name=action`},
		{"engine/other=kill", `"engine/other=kill": no step is named "engine/other"`},
		{"engine/claimed=die", `"engine/claimed=die": "die" is not an action: want kill, error(...) or sleep(...)`},
		{"engine/claimed=die(1)", `"engine/claimed=die(1)": "die(1)" is not an action: want kill, error(...) or sleep(...)`},
		{"engine/claimed=error(ENOSPC", `"engine/claimed=error(ENOSPC": "error(ENOSPC" is not an action: want kill, error(...) or sleep(...)`},
		{"engine/claimed=error(ENOENT)", `"engine/claimed=error(ENOENT)": "ENOENT" is not an error: want ENOSPC, EIO or EROFS`},
		{"engine/claimed=sleep(-1s)", `"engine/claimed=sleep(-1s)": "-1s" is not a time to sleep`},
		{"engine/claimed=kill@0", `"engine/claimed=kill@0": "0" is not a count from 1 on`},
		{"engine/claimed=kill@x+", `"engine/claimed=kill@x+": "x+" is not a count from 1 on`},
		{"engine/claimed=kill;engine/claimed=kill", `"engine/claimed=kill": the step is given twice`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			_, err := parse(tt.text)
			if err == nil || err.Error() != tt.want {
				t.Errorf("parse(%q) says\n %v, want\n %s", tt.text, err, tt.want)
			}
		})
	}
}
