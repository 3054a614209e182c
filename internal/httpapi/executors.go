package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// executors lists executors by due time, or the last due first: pending ones, or
// those a filter names.
func (s *Server) executors(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	wanted, err := s.executorQuery(q)
	if err != nil {
		return err
	}
	zone := s.zone()
	pages := func(ctx context.Context, at engine.Cursor, limit int, dst []byte) ([]byte, engine.Cursor, error) {
		wanted.Cursor, wanted.Limit = at, limit
		executors, next, err := s.engine.Executors(ctx, wanted)
		if err != nil {
			return nil, "", err
		}
		return appendElements(dst, executors, zone), next, nil
	}
	return s.sendList(w, r, listing{name: "executors", embedded: true, query: q, pages: pages})
}

// executorQuery reads the filters. A state that is asked for by name is shown
// whatever ?executed says.
func (s *Server) executorQuery(q query) (engine.ExecutorQuery, error) {
	var wanted engine.ExecutorQuery
	if q.Has("plan_id") {
		if !engine.ValidID(q.Get("plan_id")) {
			return wanted, engine.Errorf(engine.CodeInvalid, "plan_id: %q is not the id of a plan", q.Get("plan_id"))
		}
		wanted.Plan = engine.PlanID(q.Get("plan_id"))
	}
	wanted.Attack = s.canonicalRef(engine.Ref(q.Get("attack_ref")))
	var err error
	if wanted.States, err = statesOf(q, "state", engine.States); err != nil {
		return wanted, err
	}
	if wanted.States == nil && !q.flag("executed") {
		wanted.States = engine.PendingStates
	}
	if wanted.From, err = q.date("from", s.zone()); err != nil {
		return wanted, err
	}
	if wanted.To, err = q.date("to", s.zone()); err != nil {
		return wanted, err
	}
	wanted.Newest, err = q.newest("due")
	return wanted, err
}

// canonicalRef resolves an alias. A ref that is not offered now may still be
// that of old executors and stays as it is.
func (s *Server) canonicalRef(ref engine.Ref) engine.Ref {
	if ref == "" {
		return ""
	}
	if offer, err := s.engine.Offer(engine.KindAttack, ref); err == nil {
		return offer.Ref
	}
	return ref
}

// executor shows an executor with its run.
func (s *Server) executor(w http.ResponseWriter, r *http.Request) error {
	id, err := executorID(r)
	if err != nil {
		return err
	}
	e, err := s.engine.Executor(r.Context(), id)
	if err != nil {
		return err
	}
	run, records, err := s.engine.RunOf(r.Context(), id)
	if err != nil {
		return err
	}
	lines, err := s.lastLines(r.Context(), id)
	if err != nil {
		return err
	}
	return s.sendExecutor(w, r, http.StatusOK, e, executorDetail{
		Run:         newRunDocument(run, e.DryRun, s.zone()),
		UndoRecords: appendUndos(nil, records, s.zone()),
		Log:         lines,
	})
}

// warned is what is added to a document there are warnings with.
type warned struct {
	Warnings []string `json:"_warnings,omitempty"`
}

// moveExecutor changes the due time. Checked in the order body, type, date, id.
func (s *Server) moveExecutor(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	due, warnings, err := s.parseTrigger(body)
	if err != nil {
		return err
	}
	id, err := executorID(r)
	if err != nil {
		return err
	}
	if err := s.checkExecutor(r.Context(), id); err != nil {
		return err
	}
	e, more, err := s.engine.MoveExecutor(r.Context(), id, due)
	if err != nil {
		return err
	}
	note(w, "", "to "+due.UTC().Format(time.RFC3339))
	return s.sendExecutor(w, r, http.StatusOK, e, warned{append(warnings, more...)})
}

// deleteExecutor deletes an executor by the rules of a plan's deletion.
func (s *Server) deleteExecutor(w http.ResponseWriter, r *http.Request) error {
	id, err := executorID(r)
	if err != nil {
		return err
	}
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	deletion, err := s.engine.DeleteExecutor(r.Context(), id, q.flag("abandon_undo"))
	if err != nil {
		return err
	}
	return sendDeletion(w, r, deletion, "executor "+string(id), executorHref(id))
}

// haltExecutor stops a run or calls it off; 202 while it is still stopping.
// Nothing in the request's body keeps it from doing so.
func (s *Server) haltExecutor(w http.ResponseWriter, r *http.Request) error {
	d, warnings := s.executorHaltBody().read(w, r)
	id, err := executorID(r)
	if err != nil {
		return err
	}
	ctx, cancel := untilHalted(r)
	defer cancel()
	if err := s.checkExecutor(ctx, id); err != nil {
		return err
	}
	e, err := s.engine.HaltExecutor(ctx, id, cmp.Or(d.reason, haltedOnRequest))
	if err != nil {
		return err
	}
	note(w, "", cmp.Or(d.reason, haltedOnRequest))
	status := http.StatusOK
	if !e.State.Final() {
		status = http.StatusAccepted
	}
	return s.sendExecutor(w, r, status, e, warned{warnings})
}

// sendExecutor answers with an executor's document and the members of more.
func (s *Server) sendExecutor(w http.ResponseWriter, r *http.Request, status int, e engine.Executor, more any) error {
	var members []byte
	if more != nil {
		var err error
		if members, err = encode(more); err != nil {
			return err
		}
	}
	return sendBytes(w, r, status, halType, appendExecutor(nil, &e, s.zone(), members))
}
