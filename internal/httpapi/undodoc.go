package httpapi

import (
	"strconv"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The document of an undo record:
//
//	id, executor_id, plan_id, attack_ref, state, description, created, undo_at,
//	next_attempt, attempts, outcome, message, finished, abandoned {by, reason,
//	at}, digest, _links {self, executor, plan, retry, abandon}
//
// Dates, outcome and abandoned are null where there is nothing to tell. The
// record's opaque part, which may hold secrets and is nobody's business but the
// plugin's, is never shown.

// appendUndo appends the document of a record. more is as for appendExecutor.
func appendUndo(dst []byte, u *engine.UndoRecord, zone *time.Location, more []byte) []byte {
	id := u.String()
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, id)
	dst = append(dst, `,"executor_id":`...)
	dst = appendString(dst, string(u.Executor))
	dst = append(dst, `,"plan_id":`...)
	dst = appendString(dst, string(u.Plan))
	dst = append(dst, `,"attack_ref":`...)
	dst = appendString(dst, string(u.Ref))
	dst = append(dst, `,"state":`...)
	dst = appendString(dst, string(u.State))
	dst = append(dst, `,"description":`...)
	dst = appendString(dst, u.Description)
	dst = append(dst, `,"created":`...)
	dst = appendTime(dst, u.Created, zone)
	dst = append(dst, `,"undo_at":`...)
	dst = appendTime(dst, u.UndoAt, zone)
	dst = append(dst, `,"next_attempt":`...)
	dst = appendTime(dst, u.Due, zone)
	dst = append(dst, `,"attempts":`...)
	dst = strconv.AppendInt(dst, int64(u.Attempts), 10)
	dst = append(dst, `,"outcome":`...)
	dst = appendOutcome(dst, u.Outcome)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, u.Message)
	dst = append(dst, `,"finished":`...)
	dst = appendTime(dst, u.Finished, zone)
	dst = append(dst, `,"abandoned":`...)
	dst = appendAbandonment(dst, u.Abandoned, zone)
	dst = append(dst, `,"digest":`...)
	dst = appendString(dst, u.Digest)
	return appendRest(appendUndoLinks(dst, u, id), more)
}

// appendOutcome appends the last answer, or null before the first.
func appendOutcome(dst []byte, o engine.Outcome) []byte {
	if o == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, string(o))
}

// appendAbandonment appends who gave the record up and why, or null.
func appendAbandonment(dst []byte, a *engine.Abandonment, zone *time.Location) []byte {
	if a == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"by":`...)
	dst = appendString(dst, a.By)
	dst = append(dst, `,"reason":`...)
	dst = appendString(dst, a.Reason)
	dst = append(dst, `,"at":`...)
	dst = appendTime(dst, a.At, zone)
	return append(dst, '}')
}

func appendUndoLinks(dst []byte, u *engine.UndoRecord, id string) []byte {
	dst = append(dst, `,"_links":{"self":{"href":"`+undosPath...)
	dst = appendText(dst, id)
	dst = append(dst, `"},"executor":{"href":"`+executorsPath...)
	dst = appendText(dst, string(u.Executor))
	dst = append(dst, `"},"plan":{"href":"`+plansPath...)
	dst = appendText(dst, string(u.Plan))
	dst = append(dst, `"},"retry":{"href":"`+undosPath...)
	dst = appendText(dst, id)
	dst = append(dst, `/retry"},"abandon":{"href":"`+undosPath...)
	dst = appendText(dst, id)
	return append(dst, `/abandon"}}`...)
}

// appendUndos appends a JSON array of records.
func appendUndos(dst []byte, records []engine.UndoRecord, zone *time.Location) []byte {
	return append(appendUndoElements(append(dst, '['), records, zone), ']')
}

// appendUndoElements appends records with commas between.
func appendUndoElements(dst []byte, records []engine.UndoRecord, zone *time.Location) []byte {
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendUndo(dst, &records[i], zone, nil)
	}
	return dst
}
