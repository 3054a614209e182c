package engine

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/schema"
)

// redacted stands for a secret in what is shown.
const redacted = "[redacted]"

// redact returns the config with the values that pointers name replaced.
func redact(c Config, pointers []string) Config {
	if len(pointers) == 0 {
		return c
	}
	doc, err := schema.Replace(c.Doc, pointers, func(string, json.RawMessage) json.RawMessage {
		return json.RawMessage(`"` + redacted + `"`)
	})
	if err != nil { // better nothing than a secret
		doc = []byte("{}")
	}
	return Config{Ref: c.Ref, Doc: doc}
}

func redactPlan(p Plan) Plan {
	p.Attack = redact(p.Attack, p.AttackSecrets)
	p.Planner = redact(p.Planner, p.PlannerSecrets)
	return p
}

// placeholders stand for the secrets of one config while a planner sees it.
type placeholders struct {
	prefix string
	values map[string]json.RawMessage // by placeholder
}

// hide replaces the secrets of c by placeholders that nobody can guess.
func hide(c Config, pointers []string) (Config, *placeholders, error) {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return Config{}, nil, fmt.Errorf("make placeholders: %w", err)
	}
	h := &placeholders{prefix: "cmed-secret-" + hex.EncodeToString(nonce), values: map[string]json.RawMessage{}}
	if len(pointers) == 0 {
		return c, h, nil
	}
	doc, err := schema.Replace(c.Doc, pointers, func(_ string, value json.RawMessage) json.RawMessage {
		name := fmt.Sprintf("%s-%d", h.prefix, len(h.values))
		h.values[name] = append(json.RawMessage(nil), value...)
		return json.RawMessage(`"` + name + `"`)
	})
	if err != nil {
		return Config{}, nil, fmt.Errorf("hide the secrets of %s: %w", c.Ref, err)
	}
	return Config{Ref: c.Ref, Doc: doc}, h, nil
}

// restore puts the secrets back where a planner handed their placeholders on.
func (h *placeholders) restore(doc json.RawMessage) json.RawMessage {
	if len(h.values) == 0 || !strings.Contains(string(doc), h.prefix) {
		return doc
	}
	out := string(doc)
	for name, value := range h.values {
		out = strings.ReplaceAll(out, `"`+name+`"`, string(value))
	}
	return json.RawMessage(out)
}

// left says whether a placeholder is still in doc: inside another text, where it
// can't be put back.
func (h *placeholders) left(doc json.RawMessage) bool {
	return strings.Contains(string(doc), h.prefix)
}

// scrubber removes the secrets of a config from what its run says. Values of
// fewer than four characters are left: they would mangle ordinary text.
type scrubber struct{ replacer *strings.Replacer }

// pieceSize is how long the pieces are that a long secret is also looked for by,
// in bytes. A text may have been cut within it: the last words of a process, or a
// message that is too long.
const pieceSize = 16

func newScrubber(c Config, pointers []string) scrubber {
	var secrets []string
	_, _ = schema.Replace(c.Doc, pointers, func(_ string, value json.RawMessage) json.RawMessage {
		for _, s := range stringsIn(value) {
			if len(s) < 4 {
				continue
			}
			secrets = append(secrets, s)
			if quoted, err := json.Marshal(s); err == nil && string(quoted[1:len(quoted)-1]) != s {
				secrets = append(secrets, string(quoted[1:len(quoted)-1]))
			}
		}
		return value
	})
	if secrets == nil {
		return scrubber{}
	}
	// Of several that begin at one place, strings.Replacer takes the first.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, redacted)
	}
	for _, s := range secrets {
		if len(s) <= pieceSize {
			continue
		}
		i := 0
		for ; i+pieceSize <= len(s); i += pieceSize {
			pairs = append(pairs, s[i:i+pieceSize], redacted)
		}
		if len(s)-i >= pieceSize/2 { // its end, of a text whose beginning was cut off
			pairs = append(pairs, s[i:], redacted)
		}
	}
	return scrubber{replacer: strings.NewReplacer(pairs...)}
}

// stringsIn returns the strings and numbers anywhere in a JSON value.
func stringsIn(value json.RawMessage) []string {
	var v any
	d := json.NewDecoder(strings.NewReader(string(value)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case json.Number:
			out = append(out, v.String())
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(v)
	return out
}

func (s scrubber) text(t string) string {
	if s.replacer == nil {
		return t
	}
	return s.replacer.Replace(t)
}

func (s scrubber) doc(d json.RawMessage) json.RawMessage {
	if s.replacer == nil || d == nil {
		return d
	}
	clean := json.RawMessage(s.replacer.Replace(string(d)))
	if !json.Valid(clean) { // a number was a secret: the text form says as much
		return json.RawMessage(`"` + redacted + `"`)
	}
	return clean
}

func (s scrubber) entry(e LogEntry) LogEntry {
	e.Message, e.Fields = s.text(e.Message), s.doc(e.Fields)
	return e
}

func (s scrubber) target(t Target) Target {
	t.ID, t.Name, t.State = s.text(t.ID), s.text(t.Name), s.text(t.State)
	t.Detail = s.doc(t.Detail)
	return t
}

func (s scrubber) failure(f *Failure) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{Message: s.text(f.Message), Pointer: f.Pointer, Stack: s.text(f.Stack)}
}
