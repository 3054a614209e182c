package store

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"
)

// carried says whether a key goes into the new file: all but what tells of a
// file that it is a backup.
func carried(bucket, key []byte) bool {
	return !bytes.Equal(bucket, metaName) || !bytes.Equal(key, metaBackup)
}

// compare reads both files and fails when the new one has not the same content.
func (w *rewriting) compare() error {
	return w.from.View(func(from *bbolt.Tx) error {
		return w.to.View(func(to *bbolt.Tx) error {
			return from.ForEach(func(name []byte, b *bbolt.Bucket) error {
				copied := to.Bucket(name)
				if copied == nil {
					return fmt.Errorf("the new file lacks %s", name)
				}
				return w.compareBucket(name, b, copied.Cursor())
			})
		})
	})
}

func (w *rewriting) compareBucket(name []byte, b *bbolt.Bucket, c *bbolt.Cursor) error {
	k, v := c.First()
	err := b.ForEach(func(key, value []byte) error {
		if !carried(name, key) {
			return nil
		}
		if !bytes.Equal(key, k) || !bytes.Equal(value, v) {
			return fmt.Errorf("the new file differs in %s at %x", name, key)
		}
		k, v = c.Next()
		return context.Cause(w.ctx)
	})
	if err == nil && k != nil {
		err = fmt.Errorf("the new file has more in %s, at %x", name, k)
	}
	return err
}
