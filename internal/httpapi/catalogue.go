package httpapi

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// offerDocument is an attack or a planner. Effect, Reversible and what it can
// do are an attack's only.
type offerDocument struct {
	Ref            engine.Ref        `json:"ref"`
	Aliases        []engine.Ref      `json:"aliases,omitempty"`
	Title          string            `json:"title"`
	Description    string            `json:"description"`
	Version        string            `json:"version"`
	Digest         string            `json:"digest"` // sha256 of the binary, hex
	Effect         engine.Effect     `json:"effect,omitempty"`
	Reversible     *bool             `json:"reversible,omitempty"`
	CanDryRun      *bool             `json:"can_dry_run,omitempty"`
	CanListTargets *bool             `json:"can_list_targets,omitempty"`
	CanCheck       *bool             `json:"can_check,omitempty"`
	Schema         json.RawMessage   `json:"schema"`
	Example        json.RawMessage   `json:"example"`
	Examples       []json.RawMessage `json:"examples,omitempty"` // where there are more
	Links          offerLinks        `json:"_links"`
}

type offerLinks struct {
	Self   link `json:"self"`
	Plugin link `json:"plugin"`
}

type selfLinks struct {
	Self link `json:"self"`
}

type attackList struct {
	Attacks []offerDocument `json:"attacks"`
	Links   selfLinks       `json:"_links"`
}

type plannerList struct {
	Planners []offerDocument `json:"planners"`
	Links    selfLinks       `json:"_links"`
}

func newOfferDocument(o engine.Offer) offerDocument {
	doc := offerDocument{
		Ref:         o.Ref,
		Aliases:     o.Aliases,
		Title:       o.Title,
		Description: o.Description,
		Version:     o.Version,
		Digest:      o.Digest,
		Schema:      o.Schema,
		Links: offerLinks{
			Self:   link{Href: plannersPath + url.PathEscape(string(o.Ref))},
			Plugin: link{Href: pluginsPath, Title: o.Plugin},
		},
	}
	if len(o.Examples) > 0 {
		doc.Example = o.Examples[0]
	}
	if len(o.Examples) > 1 {
		doc.Examples = o.Examples
	}
	if o.Kind == engine.KindAttack {
		reversible := o.Effect != engine.EffectIrreversible
		doc.Effect, doc.Reversible = o.Effect, &reversible
		doc.CanDryRun, doc.CanListTargets, doc.CanCheck = &o.CanDryRun, &o.CanListTargets, &o.CanCheck
		doc.Links.Self.Href = attacksPath + url.PathEscape(string(o.Ref))
	}
	return doc
}

func (s *Server) offers(kind engine.Kind) []offerDocument {
	offers := s.engine.Offers(kind)
	docs := make([]offerDocument, len(offers))
	for i, o := range offers {
		docs[i] = newOfferDocument(o)
	}
	return docs
}

func (s *Server) attacks(w http.ResponseWriter, r *http.Request) error {
	return send(w, r, http.StatusOK, attackList{s.offers(engine.KindAttack), selfLinks{selfLink(r)}})
}

func (s *Server) planners(w http.ResponseWriter, r *http.Request) error {
	return send(w, r, http.StatusOK, plannerList{s.offers(engine.KindPlanner), selfLinks{selfLink(r)}})
}

func (s *Server) attack(w http.ResponseWriter, r *http.Request) error {
	return s.sendOffer(w, r, engine.KindAttack)
}

func (s *Server) planner(w http.ResponseWriter, r *http.Request) error {
	return s.sendOffer(w, r, engine.KindPlanner)
}

func (s *Server) sendOffer(w http.ResponseWriter, r *http.Request, kind engine.Kind) error {
	offer, err := s.engine.Offer(kind, engine.Ref(r.PathValue("ref")))
	if err != nil {
		return err
	}
	return send(w, r, http.StatusOK, newOfferDocument(offer))
}

// pluginDocument is one file of the plugin folders.
type pluginDocument struct {
	Kind       engine.Kind         `json:"kind"` // the folder it was seen in
	Path       string              `json:"path"` // relative to the folder
	SHA256     string              `json:"sha256"`
	Refs       []engine.Ref        `json:"refs"`
	State      engine.PluginState  `json:"state"`
	SDK        string              `json:"sdk,omitempty"`
	Error      *engine.PluginError `json:"error"`
	Warnings   []string            `json:"warnings,omitempty"`
	EnvRefused []string            `json:"env_refused,omitempty"`
	EnvHint    string              `json:"env_hint,omitempty"`
}

type pluginList struct {
	Plugins []pluginDocument `json:"plugins"`
	Links   pluginLinks      `json:"_links"`
}

type pluginLinks struct {
	Self   link `json:"self"`
	Rescan link `json:"rescan"`
}

func (s *Server) plugins(w http.ResponseWriter, r *http.Request) error {
	files := s.engine.Plugins()
	docs := make([]pluginDocument, len(files))
	for i, f := range files {
		docs[i] = pluginDocument(f)
		docs[i].Refs = emptyNotNull(f.Refs)
	}
	links := pluginLinks{Self: link{Href: pluginsPath}, Rescan: link{Href: rescanPath}}
	return send(w, r, http.StatusOK, pluginList{docs, links})
}

// rescan looks at the plugin folders now and answers with what is there.
func (s *Server) rescan(w http.ResponseWriter, r *http.Request) error {
	if err := s.engine.Rescan(r.Context()); err != nil {
		return err
	}
	return s.plugins(w, r)
}
