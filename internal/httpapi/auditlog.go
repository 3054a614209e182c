package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// ndjsonType is JSON, one value a line.
const ndjsonType = "application/x-ndjson"

// auditDocument is a page of the audit.
type auditDocument struct {
	Entries []audit.Entry `json:"entries"`
	Links   auditLinks    `json:"_links"`
}

type auditLinks struct {
	Self   link  `json:"self"`
	Next   *link `json:"next,omitempty"`
	Verify link  `json:"verify"`
}

// verdictDocument is what verifying the audit found.
type verdictDocument struct {
	audit.Verdict
	Links selfLinks `json:"_links"`
}

// auditLog shows the audit, in its order or the reverse: a page of it, or all of it
// as lines of JSON to who accepts those. Entries are shown as they are kept, in UTC: each
// line is what its hash was made of, but for the hash.
func (s *Server) auditLog(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	wanted, err := s.auditQuery(q)
	if err != nil {
		return err
	}
	if strings.Contains(strings.ToLower(r.Header.Get("Accept")), ndjsonType) {
		return s.copyAudit(w, r, wanted)
	}
	wanted.Limit = cmp.Or(wanted.Limit, maxPage)
	entries, err := s.cfg.Audit.Audit(r.Context(), wanted)
	if err != nil {
		return err
	}
	doc := auditDocument{
		Entries: emptyNotNull(entries),
		Links:   auditLinks{Self: selfLink(r), Verify: link{Href: auditVerifyPath}},
	}
	if len(entries) == wanted.Limit {
		wanted = goOn(wanted, entries)
		wanted.Limit = 1
		more, err := s.cfg.Audit.Audit(r.Context(), wanted)
		if err != nil {
			return err
		}
		if len(more) > 0 {
			doc.Links.Next = &link{Href: nextEntries(r, q, wanted)}
		}
	}
	return send(w, r, http.StatusOK, doc)
}

// goOn is the query of what comes after the entries, which are not none.
func goOn(q audit.Query, entries []audit.Entry) audit.Query {
	if last := entries[len(entries)-1].Seq; q.Newest {
		q.Before = last
	} else {
		q.After = last
	}
	return q
}

// nextEntries is the request's own path and query, from where wanted goes on.
func nextEntries(r *http.Request, q query, wanted audit.Query) string {
	name, at := "after", wanted.After
	if wanted.Newest {
		name, at = "before", wanted.Before
	}
	q.Set(name, strconv.FormatUint(at, 10))
	return r.URL.EscapedPath() + "?" + q.Encode()
}

func (s *Server) auditQuery(q query) (audit.Query, error) {
	var wanted audit.Query
	var err error
	if q.Has("after") {
		if wanted.After, err = strconv.ParseUint(q.Get("after"), 10, 64); err != nil {
			return wanted, engine.Errorf(engine.CodeInvalid, "after is the number of an entry, not %q", q.Get("after"))
		}
	}
	if q.Has("before") {
		if wanted.Before, err = strconv.ParseUint(q.Get("before"), 10, 64); err != nil || wanted.Before == 0 {
			return wanted, engine.Errorf(engine.CodeInvalid, "before is the number of an entry, not %q", q.Get("before"))
		}
	}
	if wanted.Newest, err = q.newest("oldest"); err != nil {
		return wanted, err
	}
	if wanted.From, err = q.date("from", s.zone()); err != nil {
		return wanted, err
	}
	if wanted.To, err = q.date("to", s.zone()); err != nil {
		return wanted, err
	}
	wanted.Limit, err = q.limit()
	return wanted, err
}

// copyAudit sends all entries that are asked for, a chunk at a time.
func (s *Server) copyAudit(w http.ResponseWriter, r *http.Request, wanted audit.Query) error {
	left := wanted.Limit // 0: no end
	page := func() ([]audit.Entry, error) {
		wanted.Limit = chunk
		if left > 0 {
			wanted.Limit = min(left, chunk)
		}
		return s.cfg.Audit.Audit(r.Context(), wanted)
	}
	entries, err := page()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", ndjsonType)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	ctx, leave := s.sessions.enter(r.Context())
	defer leave()
	for len(entries) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := writeLines(w, entries); err != nil {
			return err
		}
		if left -= len(entries); left == 0 || len(entries) < wanted.Limit {
			return nil
		}
		wanted = goOn(wanted, entries)
		if entries, err = page(); err != nil {
			return fmt.Errorf("read on in the audit: %w", err)
		}
	}
	return nil
}

func writeLines(w http.ResponseWriter, entries []audit.Entry) error {
	var buf []byte
	for i := range entries {
		line, err := json.Marshal(entries[i])
		if err != nil {
			return fmt.Errorf("encode an entry of the audit: %w", err)
		}
		buf = append(append(buf, line...), '\n')
	}
	if _, err := w.Write(buf); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// verifyAudit walks the whole chain.
func (s *Server) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	verdict, err := audit.Verify(r.Context(), s.cfg.Audit)
	if err != nil {
		return err
	}
	return send(w, r, http.StatusOK, verdictDocument{verdict, selfLinks{selfLink(r)}})
}
