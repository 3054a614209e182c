package client

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strconv"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
)

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	Raw json.RawMessage `json:"-"` // the document
	audit.Entry
}

func (e *AuditEntry) keep(raw json.RawMessage) { e.Raw = raw }

// AuditVerdict is what verifying the chain found.
type AuditVerdict struct {
	Raw json.RawMessage `json:"-"` // the document
	audit.Verdict
}

func (v *AuditVerdict) keep(raw json.RawMessage) { v.Raw = raw }

// AuditQuery selects entries.
type AuditQuery struct {
	After uint64 // entries with a greater number
	// From and To bound the time, as the API reads dates; "": open.
	From, To string
	Limit    int // 0: all
	// Newest asks for the last entries first.
	Newest bool
}

const auditPath = base + "/audit/"

func (q AuditQuery) values() url.Values {
	query := url.Values{}
	setUnlessEmpty(query, "from", q.From)
	setUnlessEmpty(query, "to", q.To)
	if q.Newest {
		query.Set(orderParameter, newestOrder)
	}
	if q.After > 0 {
		query.Set("after", strconv.FormatUint(q.After, 10))
	}
	return query
}

// Audit lists entries in their order. more says whether there are others. A daemon
// of an earlier version has no newest first; then the error is ErrOldestFirst, and
// the entries are the first ones.
func (c *Client) Audit(ctx context.Context, q AuditQuery) (entries []AuditEntry, more bool, err error) {
	entries, more, err = list[AuditEntry](ctx, c, auditPath, "entries", q.values(), q.Limit)
	if err == nil && q.Newest && rises(entries, func(e AuditEntry) uint64 { return e.Seq }) {
		err = ErrOldestFirst
	}
	return entries, more, err
}

// ExportAudit writes entries as lines of JSON. The limit does not count.
func (c *Client) ExportAudit(ctx context.Context, q AuditQuery, to io.Writer) error {
	r := get(withQuery(auditPath, q.values()))
	r.accept = "application/x-ndjson, application/problem+json"
	return c.open(ctx, r, func(s *answerStream) error {
		_, err := io.Copy(to, s)
		return err
	})
}

// VerifyAudit has the daemon walk the whole chain.
func (c *Client) VerifyAudit(ctx context.Context) (AuditVerdict, error) {
	return one[AuditVerdict](ctx, c, get(auditPath+"verify"))
}
