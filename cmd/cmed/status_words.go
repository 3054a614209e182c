package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// meWords are a line about who asks, "" when the daemon does not tell.
func meWords(me client.Me) string {
	if me.Role == "" {
		return ""
	}
	text := fmt.Sprintf("you:     %s (%s)", printable(me.Name), printable(me.Role))
	if limits := limitsWords(me.Limits); limits != "" {
		text += ", only " + printable(limits)
	}
	if me.Open {
		text += "; no key was made yet: everybody on the daemon's machine may do everything"
	}
	return text + "\n"
}

func leverWords(l client.Lever, s screen.Screen, now time.Time) string {
	if !l.Engaged {
		return s.Paint(screen.Green, "released") + ": executors start when they are due"
	}
	at := toSeconds(l.At)
	if t, err := time.Parse(time.RFC3339, l.At); err == nil {
		at = screen.Instant(t, now)
	}
	text := s.Paint(screen.Alarm, "ENGAGED") + fmt.Sprintf(" by %s at %s: %s; nothing starts", printable(l.By), at, printable(l.Reason))
	if l.Stopping+l.Undoing > 0 {
		text += fmt.Sprintf("; still %s to stop, %s to undo", count(l.Stopping, "run"), count(l.Undoing, "record"))
	}
	return text
}

func runWords(s client.Status) string {
	text := fmt.Sprintf("%d alive", s.Runs.Live)
	if s.Runs.Undoing > 0 {
		text += fmt.Sprintf(", %d being undone", s.Runs.Undoing)
	}
	return text
}

// undoWords counts the records, those that failed first.
func undoWords(s client.Status, look screen.Screen) string {
	var words []string
	if s.Undos.Failed > 0 {
		words = append(words, look.Paint(screen.Alarm, fmt.Sprintf("%d FAILED", s.Undos.Failed))+", NOT undone (see cmed undos)")
	}
	for _, state := range []struct {
		n    int
		name string
	}{
		{s.Undos.Open, "open"},
		{s.Undos.Undoing, "being undone"},
		{s.Undos.Undone, "undone"},
		{s.Undos.Kept, "kept"},
		{s.Undos.Abandoned, "abandoned"},
	} {
		if state.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", state.n, state.name))
		}
	}
	if len(words) == 0 {
		return "no records"
	}
	return strings.Join(words, ", ")
}

func limitWords(limits []client.Limit, s screen.Screen) string {
	var reached []string
	for _, l := range limits {
		if !l.Reached {
			continue
		}
		text := printable(l.Name) + " " + printable(l.Limit)
		if l.Used != nil {
			text += fmt.Sprintf(" (%d used)", *l.Used)
		}
		reached = append(reached, text)
	}
	if len(reached) == 0 {
		return "none reached"
	}
	return s.Paint(screen.Alarm, "REACHED") + ": " + strings.Join(reached, ", ")
}

func runningTable(executors []client.Executor, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "STATE", "NAME", "FOR", "ATTACK")
	for _, e := range executors {
		elapsed := ""
		if !e.Started.IsZero() {
			elapsed = screen.Span(max(0, now.Sub(e.Started)))
		}
		table.Row(e.ID, stateWords(e), e.Name, elapsed, e.AttackRef)
	}
	return table
}

func nextTable(executors []client.Executor, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "NAME", "DUE", "ATTACK")
	for _, e := range executors {
		table.Row(e.ID, e.Name, screen.Instant(e.NextRunTime, now), e.AttackRef)
	}
	return table
}

// roomForAttack is how wide a screen is that has room for attacks beside reasons.
const roomForAttack = 110

// failureTable leaves the attack out where it would take room from the reason.
func failureTable(executors []client.Executor, s screen.Screen, now time.Time) *screen.Table {
	head := []string{"ID", "STATE", "REASON", "ENDED"}
	if s.Width == 0 || s.Width >= roomForAttack {
		head = append(head, "ATTACK")
	}
	table := screen.NewTable(head...)
	for _, e := range executors {
		table.Row(e.ID, stateWords(e), e.Reason, screen.Instant(e.Finished, now), e.AttackRef)
	}
	return table
}

func troubleTable(plugins []client.Plugin) *screen.Table {
	table := screen.NewTable("FILE", "STATE", "REASON")
	for _, p := range plugins {
		reason := ""
		if p.Error != nil {
			reason = p.Error.Stage + ": " + p.Error.Message
		}
		table.Row(p.Kind+" "+p.Path, p.State, reason)
	}
	return table
}
