package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/sshtest"
)

// split writes chunks and returns the lines.
func split(chunks ...string) (logged []string, l *lines) {
	l = &lines{log: func(line string) { logged = append(logged, line) }}
	for _, chunk := range chunks {
		_, _ = l.Write([]byte(chunk)) // never fails
	}
	l.close()
	return logged, l
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	euros := strings.Repeat("€", longestLine) // the cut goes through one
	for _, c := range []struct {
		rule   string
		chunks []string
		want   []string
	}{
		{"a line in pieces is one", []string{"a", "b\nc", "\n"}, []string{"ab", "c"}},
		{"a last line needs no end", []string{"a\nb"}, []string{"a", "b"}},
		{"an empty line is one", []string{"\n\na\n"}, []string{"", "", "a"}},
		{"lines may end as on Windows", []string{"a\r\nb\r", "\n"}, []string{"a", "b"}},
		{"what a carriage return takes back is left out", []string{"10%\r20%\r", "done\n"}, []string{"done"}},
		{"nothing takes the last state back", []string{"10%\r"}, []string{"10%"}},
		{"several returns are one", []string{"a\r\r\r\nb\n"}, []string{"a", "b"}},
		{"what is no text is mended", []string{"a\xffb\n"}, []string{"a\uFFFDb"}},
		{"a line that fits is whole", []string{long + "\n"}, []string{long}},
		{"a longer one is cut", []string{long, "yyy", "\nz\n"}, []string{long + "…", "z"}},
		{"at a whole character", []string{euros + "\n"}, []string{strings.Repeat("€", longestLine/3) + "…"}},
	} {
		if got, _ := split(c.chunks...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %.60q, want %.60q", c.rule, got, c.want)
		}
	}
	if _, l := split("first\nlast\n \n"); l.last != "last" || l.bytes != 13 {
		t.Errorf("the last line is %q, of %d bytes", l.last, l.bytes)
	}
}

// FuzzLines checks that it doesn't matter how the text comes in pieces.
func FuzzLines(f *testing.F) {
	f.Add("a\r\nb\rc\n\n€", 3)
	f.Add(strings.Repeat("€", 2000)+"\xff\n", 4095)
	f.Fuzz(func(t *testing.T, text string, at int) {
		at = min(max(at, 0), len(text))
		whole, _ := split(text)
		parts, _ := split(text[:at], text[at:])
		if !slices.Equal(whole, parts) {
			t.Errorf("%q at once, %q in two pieces", whole, parts)
		}
		for _, line := range whole {
			if !utf8.ValidString(line) || len(line) > 3*longestLine+len("…") || strings.ContainsAny(line, "\n\r") {
				t.Errorf("the line %q", line)
			}
		}
	})
}

// A value that is printed in pieces, or cut off, is a secret all the same.
func TestSecretsAreHiddenInPieces(t *testing.T) {
	w := newWorld(t, sshtest.Start(t, sshtest.Options{}).Access)
	w.script("main.sh", `echo "$CONF"; printf '%04090d%s\n' 0 "$TOKEN"; printf '%0290d%s\n' 0 "$TOKEN" >&2; exit 1`)
	args := w.args(`{"secret_env": {"CONF": "user=shop\npassword=hunter2", "TOKEN": "sesameopens"}}`)
	d := newFakeDaemon()
	err := w.attack.run(t.Context(), args, d)
	if err == nil {
		t.Fatal("the script that fails has succeeded")
	}
	for what, text := range map[string]string{"the log": d.text(), "the error": err.Error(), "the result": string(d.result)} {
		for _, part := range []string{"hunter2", "sesam", "user=shop"} {
			if strings.Contains(text, part) {
				t.Errorf("%s has %q", what, part)
			}
		}
	}
}
