package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// maxKey is the longest Idempotency-Key, in bytes.
const maxKey = 255

// plans lists plans, newest first; those executed only with ?all=true.
func (s *Server) plans(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	all, zone := q.flag("all"), s.zone()
	pages := func(ctx context.Context, at engine.Cursor, limit int, dst []byte) ([]byte, engine.Cursor, error) {
		plans, next, err := s.engine.Plans(ctx, engine.PlanQuery{All: all, Limit: limit, Cursor: at})
		if err != nil {
			return nil, "", err
		}
		for i := range plans {
			doc, err := encode(newPlanDocument(plans[i], zone))
			if err != nil {
				return nil, "", err
			}
			dst = append(appendComma(dst), doc...)
		}
		return dst, next, nil
	}
	return s.sendList(w, r, listing{name: "plans", query: q, pages: pages})
}

// createPlan plans and stores. The answer is the plan; with ?dry_run=true it is
// a preview, and nothing is stored.
func (s *Server) createPlan(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	spec, warnings, err := s.parsePlan(body)
	if err != nil {
		return err
	}
	trial, err := q.trial()
	if err != nil {
		return err
	}
	if err := s.checkPlanLimits(r.Context(), spec.Attack.Ref, spec.Labels); err != nil {
		return err
	}
	if trial {
		note(w, "", "a preview: nothing was stored")
		return s.previewPlan(w, r, spec, warnings)
	}
	if spec.IdempotencyKey, err = idempotencyKey(r); err != nil {
		return err
	}
	if spec.IdempotencyKey != "" {
		spec.IdempotencyKey = scopedKey(callerOf(r), spec.IdempotencyKey)
		sum := sha256.Sum256(body)
		spec.Fingerprint = hex.EncodeToString(sum[:])
	}
	created, err := s.engine.CreatePlan(r.Context(), spec)
	if err != nil {
		return err
	}
	note(w, string(created.Plan.ID), "")
	if created.Replayed {
		note(w, "", "the answer to an earlier request: nothing was done")
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.Header().Set("Location", planHref(created.Plan.ID))
	return send(w, r, http.StatusOK, createdPlan{
		planDocument: newPlanDocument(created.Plan, s.zone()),
		Msg:          "ok",
		Warnings:     append(warnings, created.Warnings...),
	})
}

// idempotencyKey reads the header of that name: printable ASCII, "" when absent.
func idempotencyKey(r *http.Request) (string, error) {
	values, given := r.Header["Idempotency-Key"]
	if !given {
		return "", nil
	}
	key := values[0]
	printable := len(values) == 1 && key != "" && len(key) <= maxKey
	for i := range len(key) {
		printable = printable && key[i] >= ' ' && key[i] <= '~'
	}
	if !printable {
		return "", engine.Errorf(engine.CodeInvalid, "an Idempotency-Key is 1 to %d printable ASCII characters, given once", maxKey)
	}
	return key, nil
}

// scopedKey is an Idempotency-Key among those of its caller: one that somebody
// else has used is not taken for this one. The line break keeps it apart from
// what a header can hold.
func scopedKey(caller access.Caller, key string) string {
	if caller.Key == "" {
		return key
	}
	return "key:" + string(caller.Key) + "\n" + key
}

// plan shows a plan with the first of its executors.
func (s *Server) plan(w http.ResponseWriter, r *http.Request) error {
	id, err := planID(r)
	if err != nil {
		return err
	}
	p, err := s.engine.Plan(r.Context(), id)
	if err != nil {
		return err
	}
	executors, next, err := s.engine.Executors(r.Context(), engine.ExecutorQuery{Plan: id, Limit: maxPage})
	if err != nil {
		return err
	}
	doc := planWithExecutors{
		planDocument:   newPlanDocument(p, s.zone()),
		ExecutorsTotal: p.Counts.Total,
		Embedded:       planExecutors{Executors: appendExecutors(nil, executors, s.zone())},
	}
	if next != "" {
		rest := planExecutorsHref(id) + "&limit=" + strconv.Itoa(maxPage) + "&cursor=" + url.QueryEscape(string(next))
		doc.Links.Next = &link{Href: rest}
	}
	return send(w, r, http.StatusOK, doc)
}

// deletePlan deletes a plan with its executors; 202 while runs of it are still
// being stopped and undone.
func (s *Server) deletePlan(w http.ResponseWriter, r *http.Request) error {
	id, err := planID(r)
	if err != nil {
		return err
	}
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	deletion, err := s.engine.DeletePlan(r.Context(), id, q.flag("abandon_undo"))
	if err != nil {
		return err
	}
	return sendDeletion(w, r, deletion, "plan "+string(id), planHref(id))
}

// deletionDocument is the answer to a DELETE.
type deletionDocument struct {
	Msg   string         `json:"msg"`
	Links *deletionLinks `json:"_links,omitempty"`
}

type deletionLinks struct {
	Status link `json:"status"`
}

// sendDeletion tells how far the deletion of what has come.
func sendDeletion(w http.ResponseWriter, r *http.Request, d engine.Deletion, what, href string) error {
	if d.Done {
		return send(w, r, http.StatusOK, deletionDocument{Msg: what + " deleted"})
	}
	return send(w, r, http.StatusAccepted, deletionDocument{
		Msg:   what + " is being deleted: what runs is stopped and undone first",
		Links: &deletionLinks{Status: link{Href: href}},
	})
}

// haltedPlan is the answer to the halt of a plan.
type haltedPlan struct {
	Msg    string          `json:"msg"`
	Halted int             `json:"halted"`
	Links  haltedPlanLinks `json:"_links"`
	warned
}

type haltedPlanLinks struct {
	Plan      link `json:"plan"`
	Executors link `json:"executors"`
}

// haltPlan halts or calls off every executor of a plan. Nothing in the request's
// body keeps it from doing so.
func (s *Server) haltPlan(w http.ResponseWriter, r *http.Request) error {
	d, warnings := s.executorHaltBody().read(w, r)
	id, err := planID(r)
	if err != nil {
		return err
	}
	ctx, cancel := untilHalted(r)
	defer cancel()
	if err := s.checkPlan(ctx, id); err != nil {
		return err
	}
	n, err := s.engine.HaltPlan(ctx, id, cmp.Or(d.reason, haltedOnRequest))
	if err != nil {
		return err
	}
	note(w, "", cmp.Or(d.reason, haltedOnRequest))
	return send(w, r, http.StatusOK, haltedPlan{
		Msg:    fmt.Sprintf("plan %s: %s halted or called off", id, executorsCount(n)),
		Halted: n,
		Links:  haltedPlanLinks{Plan: link{Href: planHref(id)}, Executors: link{Href: planExecutorsHref(id)}},
		warned: warned{warnings},
	})
}

// executorsCount is a number of executors in words.
func executorsCount(n int) string {
	if n == 1 {
		return "1 executor"
	}
	return strconv.Itoa(n) + " executors"
}
