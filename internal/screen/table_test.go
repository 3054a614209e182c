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
		{"the last column has no place", Screen{Width: 12}, "" +
			"ID   STATE\n" +
			"e1   failed\n" +
			"e22  -\n" +
			"e3   -\n"},
		{"the first alone", Screen{Width: 2}, "" +
			"ID\n" +
			"e1\n" +
			"e…\n" +
			"e3\n"},
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

// What is needed for the next command stays whole, whatever the screen.
func TestWhatIsCutFirst(t *testing.T) {
	const id, due = "01a1ff84db147561b2b00e79a0c1993d", "2026-11-21T21:10:59+01:00 (in 60 min)"
	table := NewTable("ID", "STATE", "NAME", "DUE", "ATTACK", "UNDO", "REASON")
	table.Row(id, "scheduled", "a plan with quite a long name for tables", due, "kill_process:KillProcess")
	table.Row(id, "succeeded", "東京リージョンのデータベースを落とす計画", due, "kill_process:KillProcess")
	for _, test := range []struct {
		width int
		want  string
	}{
		{200, "" +
			"ID                                STATE      NAME                                      DUE                                    ATTACK                    UNDO  REASON\n" +
			id + "  scheduled  a plan with quite a long name for tables  " + due + "  kill_process:KillProcess  -     -\n" +
			id + "  succeeded  東京リージョンのデータベースを落とす計画  " + due + "  kill_process:KillProcess  -     -\n"},
		{120, "" +
			"ID                                STATE      NAME                                    DUE        ATTACK\n" +
			id + "  scheduled  a plan with quite a long name for tab…  in 60 min  kill_process:KillProcess\n" +
			id + "  succeeded  東京リージョンのデータベースを落とす…   in 60 min  kill_process:KillProcess\n"},
		{100, "" +
			"ID                                STATE      NAME                   DUE        ATTACK\n" +
			id + "  scheduled  a plan with quite a …  in 60 min  kill_process:KillPro…\n" +
			id + "  succeeded  東京リージョンのデー…  in 60 min  kill_process:KillPro…\n"},
		{80, "" +
			"ID                                STATE      NAME         DUE        ATTACK\n" +
			id + "  scheduled  a plan wit…  in 60 min  kill_proce…\n" +
			id + "  succeeded  東京リージ…  in 60 min  kill_proce…\n"},
		{60, "" +
			"ID                                STATE      NAME\n" +
			id + "  scheduled  a plan with qu…\n" +
			id + "  succeeded  東京リージョン…\n"},
	} {
		var got strings.Builder
		if err := table.Write(&got, Screen{Width: test.width}); err != nil {
			t.Fatal(err)
		}
		if got.String() != test.want {
			t.Errorf("at %d columns:\n%swant\n%s", test.width, got.String(), test.want)
		}
	}
}

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "été": 3, "e\u0301": 1, "東京": 4, "ﾊﾝｶｸ": 4, "한국어": 6, "Ａ": 2, "✅": 2, "💥x": 3, "…": 1, "—": 1, "\uFFFD": 1, "日本e\u0301": 5,
	} {
		if got := Width(text); got != want {
			t.Errorf("%q has %d columns, want %d", text, got, want)
		}
	}
	for _, test := range []struct {
		width int
		want  string
	}{{6, "東京都"}, {5, "東京…"}, {4, "東…"}, {3, "東…"}, {2, "…"}, {1, "…"}, {0, ""}} {
		got, full := shortened("東京都", test.width)
		if got != test.want || full > test.width || full != Width(got) {
			t.Errorf("at %d columns it is %q of %d", test.width, got, full)
		}
	}
}

func TestEveryWidthIsKept(t *testing.T) {
	table := NewTable("ID", "STATE", "DUE", "NAME", "REASON")
	for range 3 {
		table.Row(strings.Repeat("a", 32), "succeeded", strings.Repeat("d", 37), strings.Repeat("名", 30), "r")
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
			if n := Width(line); n > width {
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
		{Wrap("東京 大阪", "", 7), "東京\n大阪"},
		{Printable("a\u00a0b\u3000c\u202ed\u2028e"), "a b c\uFFFDd\uFFFDe"},
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
