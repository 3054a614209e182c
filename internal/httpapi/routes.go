package httpapi

import "net/http"

// routes is the whole surface.
func (s *Server) routes() []route {
	routes := []route{
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

		{http.MethodGet, leverPath, s.lever},
		{http.MethodPut, leverPath, s.engageLever},
		{http.MethodDelete, leverPath, s.releaseLever},
		{http.MethodGet, leverPath + "/", s.lever},
		{http.MethodPut, leverPath + "/", s.engageLever},
		{http.MethodDelete, leverPath + "/", s.releaseLever},
		{http.MethodGet, statusPath, s.status},

		{http.MethodGet, undosPath, s.undos},
		{http.MethodGet, undosPath + ":id", s.undo},
		{http.MethodPost, undosPath + ":id/retry", s.retryUndo},
		{http.MethodPost, undosPath + ":id/abandon", s.abandonUndo},
	}
	if s.cfg.Metrics != nil {
		routes = append(routes, route{http.MethodGet, metricsPath, s.metrics})
	}
	return routes
}

// metrics passes a scrape on.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.cfg.Metrics.ServeHTTP(w, r)
	return nil
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
	undosPath     = base + "undos/"
	leverPath     = base + "halt"
	statusPath    = base + "status"
	metricsPath   = "/metrics"
)
