package httpapi

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi/docs"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi/openapi"
)

// description is the API's description in the forms in which it is sent. Each is
// made when it is first asked for; those that tell of plugins are made anew when
// these have become others. The zero value is one that nobody has asked for.
type description struct {
	mu   sync.Mutex
	base *openapi.Document // without plugins; nil: not made yet
	// plain is for who may not see the plugins, full for who may.
	plain, full forms
	catalogue   [sha256.Size]byte // that full tells of
}

// forms are the forms of one document; nil: not made yet.
type forms struct {
	document   *openapi.Document
	json, page []byte
}

// openAPI sends the description as OpenAPI.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) error {
	text, err := s.describe(r, forms.encoded)
	if err != nil {
		return err
	}
	return sendBytes(w, r, http.StatusOK, "application/json", slices.Clip(text))
}

// docs sends the description as a page.
func (s *Server) docs(w http.ResponseWriter, r *http.Request) error {
	page, err := s.describe(r, forms.rendered)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", docs.ContentSecurityPolicy)
	return sendBytes(w, r, http.StatusOK, "text/html; charset=utf-8", slices.Clip(page))
}

// describe returns the form of the description that a caller may see.
func (s *Server) describe(r *http.Request, in func(forms) (forms, []byte, error)) ([]byte, error) {
	d := &s.description
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.base == nil {
		base, err := openapi.New(s.described())
		if err != nil {
			return nil, err
		}
		d.base, d.plain = base, forms{document: base}
	}
	shown := &d.plain
	if callerOf(r).Role.Covers(access.Viewer) {
		offers := slices.Concat(s.engine.Offers(engine.KindAttack), s.engine.Offers(engine.KindPlanner))
		if state := fingerprint(offers); d.full.document == nil || d.catalogue != state {
			d.full, d.catalogue = forms{document: d.base.With(describedOffers(offers))}, state
		}
		shown = &d.full
	}
	made, text, err := in(*shown)
	*shown = made
	return text, err
}

// encoded returns the document as JSON, and the forms with it among them.
func (f forms) encoded() (forms, []byte, error) {
	if f.json == nil {
		text, err := f.document.JSON()
		if err != nil {
			return f, nil, fmt.Errorf("encode the description of the API: %w", err)
		}
		f.json = text
	}
	return f, f.json, nil
}

// rendered returns the document as a page, and the forms with it among them.
func (f forms) rendered() (forms, []byte, error) {
	if f.page == nil {
		page, err := docs.Render(f.document)
		if err != nil {
			return f, nil, fmt.Errorf("render the description of the API: %w", err)
		}
		f.page = page
	}
	return f, f.page, nil
}

// described is what the program itself knows of the API.
func (s *Server) described() openapi.Sources {
	sources := openapi.Sources{
		Bodies: map[string]string{
			"plan": planSchema, "trigger": triggerSchema, "date": dateSchema, "halt": haltSchema, "lever": leverSchema,
			"abandon": abandonSchema, "key": keySchema,
		},
		Words: describedWords(),
	}
	for _, row := range s.routes() {
		operation := openapi.Operation{Method: row.method, Path: templated(row.path), Name: row.operation}
		if row.need != access.Nobody {
			operation.Role = string(row.need)
		}
		sources.Operations = append(sources.Operations, operation)
	}
	return sources
}

// templated writes a route's path as OpenAPI does: "/plans/:id" as "/plans/{id}".
func templated(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// describedWords are the lists of what a text in a document can be.
func describedWords() map[string][]string {
	events := []string{"reset"}
	for _, thing := range []string{"plan", "executor", "undo", "lever", "plugin"} {
		for _, what := range engine.EventTypes[thing] {
			events = append(events, thing+"."+what)
		}
	}
	return map[string][]string{
		"kinds": engine.Names([]engine.Kind{engine.KindAttack, engine.KindPlanner}),
		"effects": engine.Names([]engine.Effect{
			engine.EffectNone, engine.EffectSelfLimiting, engine.EffectUndoable, engine.EffectIrreversible,
		}),
		"executor_states": engine.Names(engine.States),
		"undo_states": engine.Names([]engine.UndoState{
			engine.UndoNone, engine.UndoOpen, engine.UndoUndoing, engine.UndoUndone, engine.UndoKept, engine.UndoAbandoned,
			engine.UndoFailed,
		}),
		"record_states": engine.Names(engine.RecordStates),
		"undo_outcomes": engine.Names([]engine.Outcome{
			engine.OutcomeUndone, engine.OutcomeNothingToDo, engine.OutcomeNotMine, engine.OutcomeRetry, engine.OutcomeFailed,
		}),
		"plugin_states": engine.EventTypes["plugin"],
		"irreversible_policies": engine.Names([]engine.IrreversiblePolicy{
			engine.IrreversibleAllow, engine.IrreversibleAsk, engine.IrreversibleDeny,
		}),
		"roles":       engine.Names([]access.Role{access.Nobody, access.Viewer, access.Operator, access.Admin}),
		"key_roles":   engine.Names([]access.Role{access.Viewer, access.Operator, access.Admin}),
		"event_types": events,
	}
}

// describedOffers are the offers as the description needs them.
func describedOffers(offers []engine.Offer) []openapi.Offer {
	list := make([]openapi.Offer, len(offers))
	for i, o := range offers {
		list[i] = openapi.Offer{
			Attack: o.Kind == engine.KindAttack, Ref: string(o.Ref), Aliases: engine.Names(o.Aliases),
			Title: o.Title, Description: o.Description, Schema: o.Schema,
			ArgsOnly: o.Kind == engine.KindPlanner && o.Compiled != nil && !o.Compiled.NestsArgs(),
		}
		for _, example := range o.Examples {
			list[i].Examples = append(list[i].Examples, example)
		}
	}
	return list
}

// fingerprint tells catalogues apart. The digest of a binary does not: what it
// offers may depend on files beside it.
func fingerprint(offers []engine.Offer) [sha256.Size]byte {
	h := sha256.New()
	for _, o := range offers {
		for _, text := range []string{string(o.Kind), string(o.Ref), o.Title, o.Description} {
			addText(h, []byte(text))
		}
		for _, alias := range o.Aliases {
			addText(h, []byte(alias))
		}
		for _, doc := range append([]json.RawMessage{o.Schema}, o.Examples...) {
			addText(h, doc)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// addText adds a text so that where it ends makes a difference.
func addText(h hash.Hash, text []byte) { // a hash takes everything
	_, _ = fmt.Fprintf(h, "%d:", len(text))
	_, _ = h.Write(text)
}
