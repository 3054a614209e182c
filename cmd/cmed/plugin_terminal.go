package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/byhand"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// terminal shows what happens in a run by hand: what is logged as it comes and, if
// a person watches, a line below that says how far it is. It implements
// byhand.Reporter.
type terminal struct {
	zone *time.Location
	// header is what is said when the run starts.
	header string

	mu       sync.Mutex
	out      io.Writer
	watched  bool
	doing    string // what goes on, in words; "": nothing
	since    time.Time
	progress string
	warnings []string

	done    chan struct{}
	ticking sync.WaitGroup
}

var _ byhand.Reporter = (*terminal)(nil)

// newTerminal shows on out until it is closed.
func newTerminal(out io.Writer, zone *time.Location) *terminal {
	t := &terminal{zone: zone, out: out, watched: isTerminal(out), done: make(chan struct{})}
	if t.watched {
		t.ticking.Go(t.tick)
	}
	return t
}

// close leaves an empty line.
func (t *terminal) close() {
	close(t.done)
	t.ticking.Wait()
	t.begin("")
}

// tick renews the line each second: it says how long it has taken.
func (t *terminal) tick() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-t.done:
			return
		case <-ticker.C:
			t.mu.Lock()
			t.draw()
			t.mu.Unlock()
		}
	}
}

// begin says what goes on from now on.
func (t *terminal) begin(doing string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.doing, t.since, t.progress = doing, time.Now(), ""
	t.draw()
}

// draw writes the line. t.mu is held.
func (t *terminal) draw() {
	if !t.watched {
		return
	}
	line := ""
	if t.doing != "" {
		line = fmt.Sprintf("%s %ds%s", t.doing, int(time.Since(t.since).Seconds()), t.progress)
	}
	if runes := []rune(line); len(runes) > widest {
		line = string(runes[:widest])
	}
	fmt.Fprintf(t.out, "\r\x1b[K%s", line)
}

// say writes a line that stays.
func (t *terminal) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watched {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
	fmt.Fprintf(t.out, format+"\n", args...)
	t.draw()
}

// Warning shows and keeps it.
func (t *terminal) Warning(text string) {
	t.say("warning: %s", printable(text))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.warnings = append(t.warnings, text)
}

// Starting says what starts, and begins to count.
func (t *terminal) Starting(pid int) {
	t.say("%s, process %d", t.header, pid)
	t.begin("running")
}

// Log shows a line.
func (t *terminal) Log(e engine.LogEntry) { t.say("%s", logLine(e, t.zone)) }

// Progress shows how far it is, to who watches.
func (t *terminal) Progress(p engine.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress = ""
	if p.Percent >= 0 {
		t.progress = fmt.Sprintf(", %.0f%%", p.Percent)
	}
	if p.Message != "" {
		t.progress += " " + printable(p.Message)
	}
	t.draw()
}

// mostTargets bounds how many targets of one message are shown as it comes. All
// are shown in the end.
const mostTargets = 10

// Targets shows what becomes of each.
func (t *terminal) Targets(list []engine.Target) {
	now := time.Now().In(t.zone).Format(time.TimeOnly)
	for _, target := range list[:min(len(list), mostTargets)] {
		name := ""
		if target.Name != "" && target.Name != target.ID {
			name = " (" + target.Name + ")"
		}
		t.say("%s INFO  [target] %s", now, printable(target.ID+name+": "+target.State))
	}
	if more := len(list) - mostTargets; more > 0 {
		t.say("%s INFO  [target] and %d more", now, more)
	}
}

// Stopping says why, and what another Ctrl-C does.
func (t *terminal) Stopping(why string) {
	t.say("stopping: %s; Ctrl-C again does not wait", printable(why))
	t.begin("stopping")
}

// Undoing begins to count.
func (t *terminal) Undoing(r byhand.Record) {
	t.begin(fmt.Sprintf("undoing record %d, attempt %d,", r.Sequence, r.Attempts))
}

// Undone says what came of it.
func (t *terminal) Undone(r byhand.Record, pause time.Duration) {
	t.begin("")
	text := fmt.Sprintf("undo record %d", r.Sequence)
	if r.Description != "" {
		text += " (" + r.Description + ")"
	}
	text += fmt.Sprintf(", attempt %d: %s", r.Attempts, r.Outcome)
	if r.Message != "" {
		text += ": " + r.Message
	}
	if pause > 0 {
		text += fmt.Sprintf("; again in %s", pause)
	}
	t.say("%s", printable(text))
}

// logLine is an entry as "12:00:01 INFO  message key=value". What the attack did
// not log itself has its source before the message. Further lines of a message are
// indented.
func logLine(e engine.LogEntry, zone *time.Location) string {
	text := strings.TrimRight(e.Message, "\r\n")
	if e.Source != "attack" {
		text = "[" + e.Source + "] " + text
	}
	lines := strings.Split(printableLines(text), "\n")
	return fmt.Sprintf("%s %-5s %s%s", e.At.In(zone).Format(time.TimeOnly), printable(strings.ToUpper(e.Level)),
		strings.Join(lines, "\n    "), logFields(e.Fields))
}

// logFields are the members of a JSON object, in their order, as " key=value".
func logFields(fields json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(fields))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return ""
	}
	var text strings.Builder
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			break
		}
		shown := string(value)
		var plain string
		if json.Unmarshal(value, &plain) == nil && plain != "" && !strings.ContainsAny(plain, " \t\r\n\"=") {
			shown = plain
		}
		fmt.Fprintf(&text, " %s=%s", printable(fmt.Sprint(key)), printable(shown))
	}
	return text.String()
}
