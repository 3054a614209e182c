package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

const (
	// recordWait bounds how long an answer waits for its entry in the audit.
	recordWait = 5 * time.Second

	operationLogin = "login"
)

// record is the entry of a request while it is under way. A nil one stands for a
// request that gets none.
type record struct {
	entry  audit.Entry
	append func(audit.Entry)
}

// newRecord begins the entry of a request; nil when its route gets none.
func (s *Server) newRecord(r *http.Request, rt route) *record {
	if !rt.isRecorded() || s.cfg.Audit == nil || r.Method == http.MethodHead {
		return nil
	}
	e := entryBy(callerOf(r))
	e.Action, e.Target = rt.operation, targetOf(r)
	return &record{entry: e, append: s.appendPaced}
}

// entryBy begins an entry about what a caller does.
func entryBy(c access.Caller) audit.Entry {
	return audit.Entry{Who: c.Name, Key: string(c.Key), Role: string(c.Role), From: c.From}
}

// targetOf is the id in the path; "" when what is there is none, which may be
// anything.
func targetOf(r *http.Request) string {
	id := r.PathValue("id")
	if engine.ValidID(id) || access.KeyID(id).Valid() {
		return id
	}
	if _, err := engine.ParseUndoID(id); err == nil {
		return id
	}
	return ""
}

// settle appends the entry, when the outcome is known.
func (rec *record) settle(status int) {
	if rec == nil {
		return
	}
	rec.entry.Status = status
	switch {
	case status >= http.StatusInternalServerError:
		rec.entry.Outcome = audit.Failed
	case status >= http.StatusBadRequest:
		rec.entry.Outcome = audit.Refused
	default:
		rec.entry.Outcome = audit.OK
	}
	rec.append(rec.entry)
}

// abandon appends the entry of a request that got no answer.
func (rec *record) abandon() {
	if rec == nil {
		return
	}
	rec.entry.Outcome = audit.Failed
	rec.entry.Detail = "the client left before the outcome was known"
	rec.append(rec.entry)
}

// note adds to the entry of a request, if it gets one: what it is about and what
// came of it, each "" for nothing to add.
func note(w http.ResponseWriter, target, detail string) {
	x, ok := w.(*exchange)
	if !ok || x.record == nil {
		return
	}
	x.record.entry.Target = cmp.Or(target, x.record.entry.Target)
	x.record.entry.Detail = cmp.Or(detail, x.record.entry.Detail)
}

// wordsFor tells of an error what may be kept: nothing that repeats what was
// sent, which may be a secret.
func wordsFor(err error) string {
	if refused, ok := errors.AsType[*refusal](err); ok {
		switch refused.status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
			return refused.msg // our own words, and names of what is there
		}
		return http.StatusText(refused.status)
	}
	domain, ok := errors.AsType[*engine.Error](err)
	switch {
	case !ok || statuses[domain.Code] == 0:
		return "internal error"
	case domain.Code == engine.CodeNotFound:
		return "not found" // the target says what
	case domain.Code == engine.CodeInvalid:
		return "invalid" + places(domain.Problems)
	default:
		return domain.Message
	}
}

// places tells where problems are, but not what is there.
func places(problems []engine.Problem) string {
	var text strings.Builder
	for _, p := range problems {
		if p.Pointer != "" {
			text.WriteString(" " + p.Pointer)
		}
	}
	return text.String()
}

// recordLogin records a wrong key. Unrecorded ones came since the last that was.
func (s *Server) recordLogin(addr netip.Addr, why string, unrecorded int) {
	e := entryBy(access.Caller{Name: nobodyName, Role: access.Nobody, From: showAddress(addr)})
	e.Action, e.Status, e.Outcome = operationLogin, http.StatusUnauthorized, audit.Refused
	e.Detail = why + unrecordedWords(unrecorded, "from there")
	s.log.Warn("a wrong API key was shown", "from", e.From, "why", why, "more_before", unrecorded)
	s.appendAudit(e)
}

// recordRefused records that somebody without a key tried to write, at the pace
// of wrong keys: who is let do nothing must not fill the disk either.
func (s *Server) recordRefused(r *http.Request, rt route) {
	if _, shown := r.Header["Authorization"]; shown {
		return // on record as a wrong key
	}
	attempt := s.logins.refuse(clientAddress(r, s.cfg.TrustedProxies), time.Now())
	if !attempt.record {
		return
	}
	e := entryBy(callerOf(r))
	e.Action, e.Target = rt.operation, targetOf(r)
	e.Status, e.Outcome = http.StatusUnauthorized, audit.Refused
	e.Detail = "no API key" + unrecordedWords(attempt.unrecorded, "from there")
	s.appendAudit(e)
}

// appendPaced is appendAudit for what was requested. What was done is always on
// record, and what may have been; of what certainly was not only so much: nobody who
// is let in, be it by a key or by a door that is open, must fill the disk with that.
func (s *Server) appendPaced(e audit.Entry) {
	if cameToNothing(e) {
		unrecorded, enough := s.refusals.count(e, time.Now())
		if enough {
			return
		}
		e.Detail = strings.TrimPrefix(e.Detail+unrecordedWords(unrecorded, whence(e)), "; ")
	}
	s.appendAudit(e)
}

// cameToNothing says whether it is certain that nothing was done: the request was
// refused, or the daemon had no time or no room for it. A defect may have come
// halfway, and so may a request whose client did not wait for the answer.
func cameToNothing(e audit.Entry) bool {
	switch e.Status {
	case http.StatusConflict, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		return !actsFirst[e.Action]
	default:
		return e.Outcome == audit.Refused
	}
}

// actsFirst are the operations that end or call off something before they find
// that they can't be finished or stored; that stays done.
var actsFirst = map[string]bool{
	"delete_plan": true, "delete_executor": true, "halt_plan": true, "halt_executor": true, "revoke_key": true,
}

func unrecordedWords(n int, whence string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more such requests %s before, which are not on record one by one", n, whence)
}

// appendAudit stores an entry. That it can't is no reason to fail what was done,
// but it is one to be loud: the log then holds what the audit lacks.
func (s *Server) appendAudit(e audit.Entry) {
	if s.cfg.Audit == nil {
		return
	}
	e.At = time.Now().UTC()
	ctx, cancel := context.WithTimeout(context.Background(), recordWait)
	defer cancel()
	if _, err := s.cfg.Audit.AppendAudit(ctx, e); err != nil {
		s.log.Error("the audit lacks an entry: it could not be stored", "who", e.Who, "key", e.Key, "role", e.Role,
			"from", e.From, "action", e.Action, "target", e.Target, "status", e.Status, "outcome", e.Outcome,
			"detail", e.Detail, "error", err)
	}
}
