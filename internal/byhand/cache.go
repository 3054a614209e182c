package byhand

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"
)

// cache is the host's memory of the plugin, in a file. It tells a later undo which
// variables the plugin asks for, and saves asking the file again what it offers.
type cache struct {
	path string

	mu     sync.Mutex
	values map[string]json.RawMessage // the host keeps JSON
}

func openCache(path string) (*cache, error) {
	c := &cache{path: path, values: map[string]json.RawMessage{}}
	if err := readDocument(path, &c.values); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the plugin cache: %w", err)
	}
	return c, nil
}

// Cached returns what is kept for a key.
func (c *cache) Cached(key string) (value []byte, found bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, found = c.values[key]
	return value, found, nil
}

// PutCached keeps a value, which is JSON.
func (c *cache) PutCached(key string, value []byte) error {
	return c.change(func(values map[string]json.RawMessage) { values[key] = append(json.RawMessage(nil), value...) })
}

// DropCached forgets a key.
func (c *cache) DropCached(key string) error {
	return c.change(func(values map[string]json.RawMessage) { delete(values, key) })
}

func (c *cache) change(fn func(map[string]json.RawMessage)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := maps.Clone(c.values)
	fn(changed)
	if err := writeDurably(c.path, changed); err != nil {
		return err
	}
	c.values = changed
	return nil
}

// CachedKeys lists the keys with a prefix.
func (c *cache) CachedKeys(prefix string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var keys []string
	for key := range c.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
