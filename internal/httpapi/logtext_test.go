package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func TestLogLine(t *testing.T) {
	at := time.Date(2026, 11, 21, 2, 0, 0, 123_456_789, time.UTC)
	tests := []struct{ name, level, message, fields, want string }{
		{"a plain line", "info", "hit", "", "INFO  [attack] hit"},
		{"levels are padded", "error", "hit", "", "ERROR [attack] hit"},
		{"fields in their order", "warn", "hit", `{"z":"i-1","a":2,"ok":true,"none":null}`, "WARN  [attack] hit z=i-1 a=2 ok=true none=null"},
		{"values with spaces are quoted", "info", "hit", `{"a":"two words","b":"x=y","c":""}`, `INFO  [attack] hit a="two words" b="x=y" c=""`},
		{"lists and objects are JSON", "info", "hit", `{"a": [1, 2], "b": {"c": 1}}`, `INFO  [attack] hit a=[1,2] b={"c":1}`},
		{"fields that are no object", "info", "hit", `[1]`, "INFO  [attack] hit"},
		{"fields that are broken", "info", "hit", `{"a":1,`, "INFO  [attack] hit a=1"},
		{"more lines are indented", "info", "boom\n2026-11-21T03:00:00.000+01:00 INFO  [cmed] forged\r\n\n", "", "INFO  [attack] boom\n    2026-11-21T03:00:00.000+01:00 INFO  [cmed] forged"},
		{"a terminal is not steered", "info", "\x1b[31mred\x7f\u009b\u202e", "", `INFO  [attack] \x1b[31mred\x7f` + "\ufffd\ufffd"},
		{"tabs become spaces", "info", "a\tb\rc", "", `INFO  [attack] a b\x0dc`},
		{"bytes that are not UTF-8", "info", "a\xffb", "", `INFO  [attack] a\xffb`},
		{"a field can't break the line", "info", "hit", `{"a\nb":"c\nd"}`, `INFO  [attack] hit a\x0ab="c\nd"`},
		{"letters of any script stay", "info", "añadido 日本", "", "INFO  [attack] añadido 日本"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := engine.LogEntry{At: at, Level: tt.level, Source: "attack", Message: tt.message, Fields: json.RawMessage(tt.fields)}
			got := string(appendLogLine(nil, &e, madrid(t)))
			if want := "2026-11-21T03:00:00.123+01:00 " + tt.want + "\n"; got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestLogText(t *testing.T) {
	f := newFake(t)
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	entries := make([]engine.LogEntry, 2*logChunk+3)
	for i := range entries {
		entries[i] = engine.LogEntry{Seq: uint64(i + 1), At: at, Level: "info", Source: "cmed", Message: fmt.Sprint("line ", i+1)}
	}
	f.logs = map[engine.ExecutorID][]engine.LogEntry{execB: entries}
	a := do(t, f, get("/api/1/executors/"+string(execB)+"/log")).is(http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	lines := strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	if len(lines) != len(entries) {
		t.Fatalf("%d lines, want %d", len(lines), len(entries))
	}
	for i, line := range lines {
		if want := fmt.Sprint("2026-11-21T03:00:00.000+01:00 INFO  [cmed] line ", i+1); line != want {
			t.Fatalf("line %d is %q, want %q", i, line, want)
		}
	}
}

func TestLogThatIsEmptyOrFails(t *testing.T) {
	f := newFake(t)
	target := "/api/1/executors/" + string(execA) + "/log"
	if a := do(t, f, get(target)).is(http.StatusOK); len(a.body) != 0 {
		t.Errorf("an empty log is %q", a.body)
	}
	f.fail["Log"] = errors.New("disk gone")
	do(t, f, get(target)).is(http.StatusInternalServerError)
	do(t, f, get("/api/1/executors/"+string(execA))).is(http.StatusInternalServerError)
}

func FuzzLogLineIsOneEntry(f *testing.F) {
	f.Add("hit", "info", `{"a":"b"}`)
	f.Add("a\nb\r\n\x1b", "warn", `{"a":"\u001b\n"}`)
	f.Fuzz(func(t *testing.T, message, level, fields string) {
		e := engine.LogEntry{Level: level, Source: "attack", Message: message, Fields: json.RawMessage(fields)}
		line := string(appendLogLine(nil, &e, time.UTC))
		for i, part := range strings.Split(strings.TrimSuffix(line, "\n"), "\n") {
			if i > 0 && !strings.HasPrefix(part, logIndent) {
				t.Errorf("%q begins a second entry", part)
			}
			if strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%q has a control character", part)
			}
		}
	})
}
