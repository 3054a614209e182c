package screen

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	plain := NewTable("ID", "STATE", "REASON")
	plain.Row("e1", "failed", "it \x1b[31mbroke\nhere")
	plain.Row("e22", "", "été")
	plain.Row("e3")
	const whole = "" +
		"ID   STATE   REASON\n" +
		"e1   failed  it \uFFFD[31mbroke\uFFFDhere\n" +
		"e22  -       été\n" +
		"e3   -       -\n"
	for _, test := range []struct {
		name   string
		screen Screen
		want   string
	}{
		{"nobody watches", Screen{}, whole},
		{"a screen that is wide enough", Screen{Width: 31}, whole},
		{"the last column is cut", Screen{Width: 24}, "" +
			"ID   STATE   REASON\n" +
			"e1   failed  it \uFFFD[31mbr…\n" +
			"e22  -       été\n" +
			"e3   -       -\n"},
		{"lines never are longer", Screen{Width: 10}, "" +
			"ID   STATE\n" +
			"e1   fail…\n" +
			"e22  -    \n" +
			"e3   -    \n"},
		{"colours are around the words alone", Screen{Colour: true}, "" +
			"\x1b[1mID\x1b[0m   \x1b[1mSTATE\x1b[0m   \x1b[1mREASON\x1b[0m\n" +
			"e1   \x1b[31mfailed\x1b[0m  it \uFFFD[31mbroke\uFFFDhere\n" +
			"e22  -       été\n" +
			"e3   -       -\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			if err := plain.Write(&got, test.screen); err != nil {
				t.Fatal(err)
			}
			if trimmed(got.String()) != trimmed(test.want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), test.want)
			}
			for line := range strings.Lines(got.String()) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); test.screen.Width > 0 && n > test.screen.Width {
					t.Errorf("%q has %d columns, the screen %d", line, n, test.screen.Width)
				}
			}
		})
	}
	if plain.Empty() || !NewTable("ID").Empty() {
		t.Error("which table is empty is not known")
	}
}

// trimmed is a text whose lines end where their words do.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestInstantsAreNotCut(t *testing.T) {
	const due = "2026-11-21T17:00:00Z (in 4 min)"
	table := NewTable("ID", "DUE", "NAME", "ATTACK")
	table.Row("e1", due, "a long name", "module:Attack")
	var got strings.Builder
	if err := table.Write(&got, Screen{Width: 45}); err != nil {
		t.Fatal(err)
	}
	if want := "e1  " + due + "  a long …\n"; !strings.HasSuffix(got.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestEveryWidthIsKept(t *testing.T) {
	table := NewTable("ID", "STATE", "DUE", "NAME", "REASON")
	for range 3 {
		table.Row(strings.Repeat("a", 32), "succeeded", strings.Repeat("d", 37), strings.Repeat("n", 60), "r")
	}
	for width := 1; width < 200; width++ {
		var got strings.Builder
		if err := table.Write(&got, Screen{Width: width}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(got.String(), "\n"), "\n")
		if len(lines) != 4 {
			t.Fatalf("%d lines at width %d", len(lines), width)
		}
		for _, line := range lines {
			if n := len([]rune(line)); n > width {
				t.Fatalf("a line has %d columns at width %d: %s", n, width, line)
			}
		}
	}
}

func TestWords(t *testing.T) {
	now := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)
	zone := time.FixedZone("", 3600)
	for _, test := range []struct{ got, want string }{
		{Instant(time.Time{}, now), "-"},
		{Instant(now.Add(4*time.Minute+30*time.Second), now), "2026-11-21T17:04:30Z (in 5 min)"},
		{Instant(now.Add(-3*24*time.Hour).In(zone), now), "2026-11-18T18:00:00+01:00 (3 days ago)"},
		{Instant(now.Add(300*time.Millisecond), now), "2026-11-21T17:00:00Z (now)"},
		{Took(80 * time.Millisecond), "80 ms"},
		{Took(2340 * time.Millisecond), "2.3 s"},
		{Took(90 * time.Second), "2 min"},
		{Printable("a\tb\nc\x1b[2J"), "a b\uFFFDc\uFFFD[2J"},
		{PrintableLines("a\tb\nc\x1b[2J"), "a b\nc\uFFFD[2J"},
		{Wrap("one two  three\nfour", "  ", 9), "  one two\n  three\n  four"},
		{Wrap("one two three", "> ", 0), "> one two three"},
		{Wrap("unbreakable", " ", 4), " unbreakable"},
		{Wrap("", " ", 4), ""},
		{Screen{Width: 5}.Shorten("seventeen"), "seve…"},
		{Screen{Width: 9}.Shorten("seventeen"), "seventeen"},
		{Screen{}.Shorten("seventeen"), "seventeen"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
