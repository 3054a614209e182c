package main

import (
	"encoding/json"
	"strings"
	"text/tabwriter"

	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

// fact is one thing that is told of what a command shows on its own.
type fact struct{ name, value string }

// facts shows those that have a value, each on a line, the values aligned.
func (r *remote) facts(list []fact) error {
	s := r.screen()
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, f := range list {
		if f.value != "" {
			_, _ = table.Write([]byte(f.name + ":\t" + printable(f.value) + "\n")) // to memory
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		name, value, _ := strings.Cut(line, ":")
		r.say("%s:%s", s.Paint(screen.Faint, name), strings.TrimSuffix(value, "\n"))
	}
	return nil
}

// raws are the documents of a list, as they came; never null.
func raws[T any](list []T, raw func(T) json.RawMessage) []json.RawMessage {
	documents := make([]json.RawMessage, len(list))
	for i, element := range list {
		documents[i] = raw(element)
	}
	return documents
}
