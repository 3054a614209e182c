package httpapi

import "net/http"

// routes is the whole surface.
func (s *Server) routes() []route {
	return []route{
		{http.MethodGet, "/", s.entry},
		{http.MethodGet, base, s.entry},
		{http.MethodGet, "/healthz", s.health},
		{http.MethodGet, "/readyz", s.readiness},

		{http.MethodGet, attacksPath, s.attacks},
		{http.MethodGet, attacksPath + ":ref", s.attack},
		{http.MethodGet, plannersPath, s.planners},
		{http.MethodGet, plannersPath + ":ref", s.planner},
		{http.MethodGet, pluginsPath, s.plugins},
		{http.MethodPost, rescanPath, s.rescan},

		{http.MethodGet, plansPath, s.plans},
		{http.MethodPost, plansPath, s.createPlan},
		{http.MethodGet, plansPath + ":id", s.plan},
		{http.MethodDelete, plansPath + ":id", s.deletePlan},
		{http.MethodPost, plansPath + ":id/halt", s.haltPlan},

		{http.MethodGet, executorsPath, s.executors},
		{http.MethodGet, executorsPath + ":id", s.executor},
		{http.MethodPut, executorsPath + ":id", s.moveExecutor},
		{http.MethodDelete, executorsPath + ":id", s.deleteExecutor},
		{http.MethodGet, executorsPath + ":id/log", s.executorLog},
		{http.MethodPost, executorsPath + ":id/halt", s.haltExecutor},
	}
}

// Where things are.
const (
	base          = "/api/1/"
	attacksPath   = base + "attacks/"
	plannersPath  = base + "planners/"
	pluginsPath   = base + "plugins/"
	rescanPath    = base + "plugins/rescan"
	plansPath     = base + "plans/"
	executorsPath = base + "executors/"
)
