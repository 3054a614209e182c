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
)

func (s *Server) entry(w http.ResponseWriter, r *http.Request) error {
	return send(w, r, http.StatusOK, entryDocument{
		Name:     "cmed",
		Version:  s.cfg.Version,
		Timezone: s.zone().String(),
		Links: map[string]link{
			"self":          selfLink(r),
			"attacks":       {Href: attacksPath},
			"attack":        {Href: attacksPath + "{ref}", Templated: true},
			"planners":      {Href: plannersPath},
			"planner":       {Href: plannersPath + "{ref}", Templated: true},
			"plugins":       {Href: pluginsPath},
			"rescan":        {Href: rescanPath},
			"plans":         {Href: plansPath + plansQuery, Templated: true},
			"plan":          {Href: plansPath + "{id}", Templated: true},
			"plan_halt":     {Href: plansPath + "{id}/halt", Templated: true},
			"executors":     {Href: executorsPath + executorsQuery, Templated: true},
			"executor":      {Href: executorsPath + "{id}", Templated: true},
			"executor_log":  {Href: executorsPath + "{id}/log{?follow}", Templated: true},
			"executor_halt": {Href: executorsPath + "{id}/halt", Templated: true},
			"health":        {Href: "/healthz"},
			"ready":         {Href: "/readyz"},
		},
	})
}

// healthDocument answers probes.
type healthDocument struct {
	Status string `json:"status"`
}

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	return send(w, r, http.StatusOK, healthDocument{"ok"})
}

// readiness says whether the engine is at work, and if not, why.
func (s *Server) readiness(w http.ResponseWriter, r *http.Request) error {
	err := s.engine.Ready()
	if err == nil {
		return send(w, r, http.StatusOK, healthDocument{"ready"})
	}
	if domain, ok := errors.AsType[*engine.Error](err); ok {
		return refuse(http.StatusServiceUnavailable, "not ready: %s", domain.Message)
	}
	s.log.Debug("not ready", "error", err)
	return refuse(http.StatusServiceUnavailable, "not ready")
}
