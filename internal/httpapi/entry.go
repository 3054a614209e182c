package httpapi

import (
	"net/http"
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
	executorsQuery = "{?executed,plan_id,state*,attack_ref,from,to,order,limit,cursor}"
	undosQuery     = "{?all,state*,limit,cursor}"
	auditQuery     = "{?after,before,from,to,order,limit}"
	eventsQuery    = "{?type*,plan_id*,executor_id*,after,follow}"
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
		"me":            {Href: mePath},
		"events":        {Href: eventsPath + eventsQuery, Templated: true},
		"undos":         {Href: undosPath + undosQuery, Templated: true},
		"undo":          {Href: undosPath + "{id}", Templated: true},
		"undo_retry":    {Href: undosPath + "{id}/retry", Templated: true},
		"undo_abandon":  {Href: undosPath + "{id}/abandon", Templated: true},
		"openapi":       {Href: openAPIPath},
		"docs":          {Href: docsPath},
		"health":        {Href: "/healthz"},
		"ready":         {Href: "/readyz"},
	}
	if s.cfg.Keys != nil {
		links["keys"] = link{Href: keysPath}
		links["key"] = link{Href: keysPath + "{id}", Templated: true}
	}
	if s.cfg.Audit != nil {
		links["audit"] = link{Href: auditPath + auditQuery, Templated: true}
		links["audit_verify"] = link{Href: auditVerifyPath}
	}
	if s.cfg.Backup != nil {
		links["backup"] = link{Href: backupPath}
	}
	if s.cfg.Metrics != nil {
		links["metrics"] = link{Href: metricsPath}
	}
	return links
}
