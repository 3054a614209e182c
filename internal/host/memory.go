package host

import (
	"encoding/json"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// The keys of the cache.
const (
	statPrefix = "stat/"        // + kind/name: seenFile
	descPrefix = "description/" // + digest: seenDescription
	servingKey = "serving"      // serving
)

// memory is what is remembered of plugin files across restarts. It is a cache:
// an error costs an execution of the file, no more, and is logged.
type memory struct {
	cache Cache
	log   hclog.Logger
}

// seenFile ties a state of a file to the digest it had.
type seenFile struct {
	Stat   string `json:"stat"`
	Digest string `json:"digest"`
}

// seenDescription is what a digest offers, as long as the files it watches stay
// as they were.
type seenDescription struct {
	Description pluginv1.Description `json:"description"`
	Watch       map[string]string    `json:"watch,omitempty"` // path to stat key
}

// serving says which file serves a ref: by kind, then ref, the file's name.
type serving map[engine.Kind]map[engine.Ref]string

// digest returns the digest of a file that has not changed, "" else.
func (m *memory) digest(c candidate) string {
	var seen seenFile
	if !m.load(statPrefix+c.key(), &seen) || seen.Stat != c.stat {
		return ""
	}
	return seen.Digest
}

func (m *memory) keepDigest(c candidate, digest string) {
	m.store(statPrefix+c.key(), seenFile{Stat: c.stat, Digest: digest})
}

// description returns what the digest offers, if that is known and the files it
// watches are unchanged.
func (m *memory) description(digest, path string) (*seenDescription, bool) {
	var seen seenDescription
	if !m.load(descPrefix+digest, &seen) || seen.Description.Protocol != pluginv1.Version {
		return nil, false
	}
	for _, w := range watchPaths(&seen.Description, path) {
		if _, ok := seen.Watch[w]; !ok {
			return nil, false // known from another folder
		}
	}
	return &seen, unchanged(seen.Watch)
}

func (m *memory) keepDescription(digest string, seen *seenDescription) {
	m.store(descPrefix+digest, seen)
}

// environmentAskedBy returns the variables that a ref of a digest asks for.
func (m *memory) environmentAskedBy(digest string, ref engine.Ref) []string {
	var seen seenDescription
	if !m.load(descPrefix+digest, &seen) {
		return nil
	}
	for _, o := range seen.Description.Offers {
		if o.Ref == string(ref) {
			return o.Env
		}
	}
	return nil
}

func (m *memory) load(key string, into any) bool {
	value, found, err := m.cache.Cached(key)
	if err == nil && found {
		err = json.Unmarshal(value, into)
	}
	if err != nil {
		m.log.Warn("the plugin cache can't be read", "key", key, "error", err)
	}
	return found && err == nil
}

func (m *memory) store(key string, value any) {
	b, err := json.Marshal(value)
	if err == nil {
		err = m.cache.PutCached(key, b)
	}
	if err != nil {
		m.log.Warn("the plugin cache can't be written", "key", key, "error", err)
	}
}

// forgetDigest drops what is known of a copy that was removed.
func (m *memory) forgetDigest(digest string) { m.drop(descPrefix + digest) }

// forgetFiles drops what is known of files that are not among the keys given.
func (m *memory) forgetFiles(present map[string]bool) {
	keys, err := m.cache.CachedKeys(statPrefix)
	if err != nil {
		m.log.Warn("the plugin cache can't be listed", "error", err)
		return
	}
	for _, key := range keys {
		if !present[strings.TrimPrefix(key, statPrefix)] {
			m.drop(key)
		}
	}
}

func (m *memory) drop(key string) {
	if err := m.cache.DropCached(key); err != nil {
		m.log.Warn("the plugin cache can't be written", "key", key, "error", err)
	}
}
