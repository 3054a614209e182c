package store

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// small checks what there is little of: receipts, API keys, the lever.
func (i *inspection) small() error {
	err := each(i, bucketReceipts, func(key []byte, r engine.Receipt) {
		if string(key) != r.Key {
			i.report.find("the receipt of %.40q is stored under %.40q", r.Key, key)
		}
		i.want(bucketReceiptsByTime, append(timeKey(r.Created), key...))
	})
	if err != nil {
		return err
	}
	err = each(i, bucketAccessKeys, func(key []byte, k access.Key) {
		i.report.Keys++
		_, err := access.ParseRole(string(k.Role))
		if string(key) != string(k.ID) || !k.ID.Valid() || len(k.Hash) != sha256.Size || err != nil {
			i.report.find("API key %.40q is damaged", key)
		}
	})
	if err != nil {
		return err
	}
	var lever engine.Lever
	if value := i.t.get(bucketMeta, metaLever); value != nil {
		if err := decode(value, &lever); err != nil {
			i.report.find("the lever: %v", err)
		}
	}
	if _, err := i.t.historySince(); err != nil {
		i.report.find("the beginning of the history: %v", err)
	}
	return nil
}

// audit checks the keys of the entries, then their chain.
func (i *inspection) audit() error {
	entries := uint64(0)
	err := each(i, bucketAudit, func(key []byte, e audit.Entry) {
		entries++
		if !bytes.Equal(key, auditKey(e)) {
			i.report.find("audit entry %d is stored under %x", e.Seq, key)
		}
	})
	if err != nil {
		return err
	}
	verdict, err := audit.Verify(i.ctx, auditOf{i.t})
	if err != nil {
		if i.ctx.Err() != nil {
			return err
		}
		i.report.find("%v", err)
		return nil
	}
	i.report.Audit = verdict.Entries
	switch {
	case verdict.Broken > 0:
		i.report.find("the audit is broken: %s", verdict.Why)
	case verdict.Entries != entries:
		i.report.find("the audit has %d entries, of which %d are of its chain", entries, verdict.Entries)
	}
	return nil
}

// auditOf is the audit within a transaction, to be verified.
type auditOf struct{ t *txn }

func (a auditOf) Audit(_ context.Context, q audit.Query) ([]audit.Entry, error) { return a.t.audit(q) }
