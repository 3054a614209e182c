package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/audit"
	"github.com/chaos-monkey-engine/cmed/internal/httpapi"
)

// slowCommits is from where on commits are called slow: executors are claimed
// with one before they fire.
const slowCommits = time.Second

// storeCondition tells a probe how the store is.
func (d *daemon) storeCondition(ctx context.Context) (warnings []string, err error) {
	if err := d.store.Writable(ctx); err != nil {
		return nil, err
	}
	now, err := d.store.Condition()
	if err != nil {
		return nil, err
	}
	if now.SlowCommits > slowCommits {
		warnings = append(warnings, fmt.Sprintf("the store is slow: of the last minute's commits one in a hundred took %s or more",
			now.SlowCommits.Round(time.Millisecond)))
	}
	return warnings, nil
}

// backup makes a copy of the store to be sent.
func (d *daemon) backup(ctx context.Context) (httpapi.Backup, error) {
	copied, err := d.store.Snapshot(ctx)
	if err != nil {
		return httpapi.Backup{}, err
	}
	return httpapi.Backup{ReadCloser: copied, At: copied.At, Size: copied.Size}, nil
}

// countedAudit is the store's audit, each attempt to append to it counted.
type countedAudit struct {
	audit.Store
	count func(error)
}

func (c countedAudit) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	stored, err := c.Store.AppendAudit(ctx, e)
	c.count(err)
	return stored, err
}

// audits is where entries are appended.
func (d *daemon) audits() audit.Store {
	return countedAudit{d.store, d.observer.metrics.Audited}
}
