package httpapi

import (
	"net/http"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// routes is the whole surface.
func (s *Server) routes() []route {
	routes := []route{
		{http.MethodGet, "/", "entry", access.Viewer, s.entry},
		{http.MethodGet, base, "entry", access.Viewer, s.entry},
		{http.MethodGet, "/healthz", "health", access.Nobody, s.health},
		{http.MethodGet, "/readyz", "readiness", access.Nobody, s.readiness},
		{http.MethodGet, openAPIPath, "openapi", access.Nobody, s.openAPI},
		{http.MethodGet, docsPath, "docs", access.Nobody, s.docs},

		{http.MethodGet, attacksPath, "list_attacks", access.Viewer, s.attacks},
		{http.MethodGet, attacksPath + ":ref", "show_attack", access.Viewer, s.attack},
		{http.MethodGet, plannersPath, "list_planners", access.Viewer, s.planners},
		{http.MethodGet, plannersPath + ":ref", "show_planner", access.Viewer, s.planner},
		{http.MethodGet, pluginsPath, "list_plugins", access.Viewer, s.plugins},
		{http.MethodPost, rescanPath, "rescan_plugins", access.Admin, s.rescan},

		{http.MethodGet, plansPath, "list_plans", access.Viewer, s.plans},
		{http.MethodPost, plansPath, "create_plan", access.Operator, s.createPlan},
		{http.MethodGet, plansPath + ":id", "show_plan", access.Viewer, s.plan},
		{http.MethodDelete, plansPath + ":id", "delete_plan", access.Admin, s.deletePlan},
		{http.MethodPost, plansPath + ":id/halt", "halt_plan", access.Operator, s.haltPlan},

		{http.MethodGet, executorsPath, "list_executors", access.Viewer, s.executors},
		{http.MethodGet, executorsPath + ":id", "show_executor", access.Viewer, s.executor},
		{http.MethodPut, executorsPath + ":id", "move_executor", access.Operator, s.moveExecutor},
		{http.MethodDelete, executorsPath + ":id", "delete_executor", access.Admin, s.deleteExecutor},
		{http.MethodGet, executorsPath + ":id/log", "executor_log", access.Viewer, s.executorLog},
		{http.MethodPost, executorsPath + ":id/halt", "halt_executor", access.Operator, s.haltExecutor},

		{http.MethodGet, leverPath, "show_lever", access.Viewer, s.lever},
		{http.MethodPut, leverPath, "engage_lever", access.Operator, s.engageLever},
		{http.MethodDelete, leverPath, "release_lever", access.Admin, s.releaseLever},
		{http.MethodGet, leverPath + "/", "show_lever", access.Viewer, s.lever},
		{http.MethodPut, leverPath + "/", "engage_lever", access.Operator, s.engageLever},
		{http.MethodDelete, leverPath + "/", "release_lever", access.Admin, s.releaseLever},
		{http.MethodGet, statusPath, "status", access.Viewer, s.status},
		{http.MethodGet, eventsPath, "events", access.Viewer, s.events},
		{http.MethodGet, mePath, "me", access.Viewer, s.me},

		{http.MethodGet, undosPath, "list_undos", access.Viewer, s.undos},
		{http.MethodGet, undosPath + ":id", "show_undo", access.Viewer, s.undo},
		{http.MethodPost, undosPath + ":id/retry", "retry_undo", access.Operator, s.retryUndo},
		{http.MethodPost, undosPath + ":id/abandon", "abandon_undo", access.Admin, s.abandonUndo},
	}
	routes = append(routes, s.careRoutes()...)
	if s.cfg.Metrics != nil {
		routes = append(routes, route{http.MethodGet, metricsPath, "metrics", access.Viewer, s.metrics})
	}
	return routes
}

// metrics passes a scrape on.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.cfg.Metrics.ServeHTTP(w, r)
	return nil
}

// careRoutes are those of who looks after the daemon, as far as it has what they
// need.
func (s *Server) careRoutes() []route {
	var routes []route
	if s.cfg.Keys != nil {
		routes = append(
			routes,
			route{http.MethodGet, keysPath, "list_keys", access.Admin, s.keys},
			route{http.MethodPost, keysPath, "create_key", access.Admin, s.createKey},
			route{http.MethodGet, keysPath + ":id", "show_key", access.Admin, s.key},
			route{http.MethodDelete, keysPath + ":id", "revoke_key", access.Admin, s.revokeKey},
		)
	}
	if s.cfg.Audit != nil {
		routes = append(
			routes,
			route{http.MethodGet, auditPath, "list_audit", access.Admin, s.auditLog},
			route{http.MethodGet, auditVerifyPath, "verify_audit", access.Admin, s.verifyAudit},
		)
	}
	if s.cfg.Backup != nil {
		routes = append(routes, route{http.MethodGet, backupPath, operationBackup, access.Admin, s.backup})
	}
	return routes
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
	mePath        = base + "me"
	keysPath      = base + "keys/"
	auditPath     = base + "audit/"
	backupPath    = base + "backup"
	eventsPath    = base + "events/"
	metricsPath   = "/metrics"
	openAPIPath   = base + "openapi.json"
	docsPath      = "/docs"

	auditVerifyPath = auditPath + "verify"
)
