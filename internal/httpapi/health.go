package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// conditionWait bounds how long a probe waits to hear how the store is.
const conditionWait = 2 * time.Second

// healthDocument answers probes.
type healthDocument struct {
	Status string `json:"status"`
	// Lever is "engaged", or absent; then Reason is why, and By who did it. A
	// halted daemon is ready: it answers, and can be released.
	Lever  string `json:"lever,omitempty"`
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
	// Warnings say what is not well though it works.
	Warnings []string `json:"warnings,omitempty"`
}

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	return send(w, r, http.StatusOK, healthDocument{Status: "ok"})
}

// readiness says whether the engine is at work and its store can be written. Why
// not, and what else there is to know, is for who may read.
func (s *Server) readiness(w http.ResponseWriter, r *http.Request) error {
	known := callerOf(r).Role.Covers(access.Viewer)
	err := s.engine.Ready()
	var warnings []string
	if err == nil {
		warnings, err = s.condition(r.Context())
	}
	if err != nil {
		return s.refuseUnready(err, known)
	}
	doc := healthDocument{Status: "ready"}
	lever := s.engine.Lever()
	if lever.Engaged {
		doc.Lever = "engaged"
	}
	if known {
		doc.Warnings = warnings
		if lever.Engaged {
			doc.Reason, doc.By = lever.Reason, lever.By
		}
	}
	return send(w, r, http.StatusOK, doc)
}

// condition asks how the store is.
func (s *Server) condition(ctx context.Context) (warnings []string, err error) {
	if s.cfg.Condition == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, conditionWait)
	defer cancel()
	return s.cfg.Condition(ctx)
}

// refuseUnready tells those who may know why the daemon is not ready, in the
// engine's words; other errors are for its log.
func (s *Server) refuseUnready(err error, known bool) error {
	domain, ok := errors.AsType[*engine.Error](err)
	if !ok {
		s.log.Debug("not ready", "error", err)
	}
	if !ok || !known {
		return refuse(http.StatusServiceUnavailable, "not ready")
	}
	return refuse(http.StatusServiceUnavailable, "not ready: %s", domain.Message)
}
