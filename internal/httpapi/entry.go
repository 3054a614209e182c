package httpapi

import (
	"errors"
	"net/http"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// entryDocument is where a client starts: links to everything.
type entryDocument struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	Timezone string          `json:"timezone"`
	Links    map[string]link `json:"_links"`
}

// Templates of the lists' queries (RFC 6570).
const (
	plansQuery     = "{?all,limit,cursor}"
	executorsQuery = "{?executed,plan_id,state*,attack_ref,from,to,limit,cursor}"
	undosQuery     = "{?all,state*,limit,cursor}"
)

func (s *Server) entry(w http.ResponseWriter, r *http.Request) error {
	return send(w, r, http.StatusOK, entryDocument{
		Name:     "cmed",
		Version:  s.cfg.Version,
		Timezone: s.zone().String(),
		Links:    s.entryLinks(selfLink(r)),
	})
}

func (s *Server) entryLinks(self link) map[string]link {
	links := map[string]link{
		"self":          self,
		"attacks":       {Href: attacksPath},
		"attack":        {Href: attacksPath + "{ref}", Templated: true},
		"planners":      {Href: plannersPath},
		"planner":       {Href: plannersPath + "{ref}", Templated: true},
		"plugins":       {Href: pluginsPath},
		"rescan":        {Href: rescanPath},
		"plans":         {Href: plansPath + plansQuery, Templated: true},
		"plan":          {Href: plansPath + "{id}", Templated: true},
		"plan_halt":     {Href: plansPath + "{id}/halt", Templated: true},
		"plan_preview":  {Href: plansPath + "?dry_run=true"},
		"executors":     {Href: executorsPath + executorsQuery, Templated: true},
		"executor":      {Href: executorsPath + "{id}", Templated: true},
		"executor_log":  {Href: executorsPath + "{id}/log{?follow}", Templated: true},
		"executor_halt": {Href: executorsPath + "{id}/halt", Templated: true},
		"halt":          {Href: leverPath},
		"status":        {Href: statusPath},
		"undos":         {Href: undosPath + undosQuery, Templated: true},
		"undo":          {Href: undosPath + "{id}", Templated: true},
		"undo_retry":    {Href: undosPath + "{id}/retry", Templated: true},
		"undo_abandon":  {Href: undosPath + "{id}/abandon", Templated: true},
		"health":        {Href: "/healthz"},
		"ready":         {Href: "/readyz"},
	}
	if s.cfg.Metrics != nil {
		links["metrics"] = link{Href: metricsPath}
	}
	return links
}

// healthDocument answers probes.
type healthDocument struct {
	Status string `json:"status"`
	// Lever is "engaged", or absent; then Reason is why, and By who did it. A
	// halted daemon is ready: it answers, and can be released.
	Lever  string `json:"lever,omitempty"`
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	return send(w, r, http.StatusOK, healthDocument{Status: "ok"})
}

// readiness says whether the engine is at work, and if not, why.
func (s *Server) readiness(w http.ResponseWriter, r *http.Request) error {
	err := s.engine.Ready()
	if err == nil {
		doc := healthDocument{Status: "ready"}
		if lever := s.engine.Lever(); lever.Engaged {
			doc.Lever, doc.Reason, doc.By = "engaged", lever.Reason, lever.By
		}
		return send(w, r, http.StatusOK, doc)
	}
	if domain, ok := errors.AsType[*engine.Error](err); ok {
		return refuse(http.StatusServiceUnavailable, "not ready: %s", domain.Message)
	}
	s.log.Debug("not ready", "error", err)
	return refuse(http.StatusServiceUnavailable, "not ready")
}
