package plugincheck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// announce says what the live runs will do and asks whether they may.
func (t *trial) announce() error {
	if t.live == nil {
		return nil
	}
	var lines []string
	for _, o := range t.live.Offers(engine.KindAttack) {
		lines = append(lines, liveWords(o))
	}
	if len(lines) == 0 {
		return nil
	}
	what := fmt.Sprintf("%s will run for real, outside the sandbox and with this environment:\n%s",
		t.name, strings.Join(lines, "\n"))
	if err := t.options.Announce(what); err != nil {
		return fmt.Errorf("nothing was run live: %w", err)
	}
	return nil
}

// liveWords says what a live run of an attack does.
func liveWords(o engine.Offer) string {
	way, times := "it can't be undone", "once"
	if o.CanUndo {
		way, times = "it can be undone", "several times, if it announces what is to be undone"
	}
	if len(o.Examples) == 0 {
		return fmt.Sprintf("  %s (%s, %s): it has no example, so it is not run", o.Ref, o.Effect, way)
	}
	return fmt.Sprintf("  %s (%s, %s), %s:\n    %s", o.Ref, o.Effect, way, times, printable(oneLine(hidden(o.Compiled, o.Examples[0]))))
}

// oneLine is a JSON document in one line.
func oneLine(doc json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, doc) != nil {
		return string(doc)
	}
	return b.String()
}

// hidden returns a config without its secrets.
func hidden(s *schema.Schema, config json.RawMessage) json.RawMessage {
	clean, err := schema.Replace(config, s.Secrets(config), func(string, json.RawMessage) json.RawMessage {
		return json.RawMessage(`"[hidden]"`)
	})
	if err != nil { // better nothing than a secret
		return json.RawMessage("{}")
	}
	return clean
}
