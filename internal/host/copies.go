package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// maxBinary bounds the size of a plugin file in bytes.
const maxBinary = 1 << 30

// copyingAtOnce bounds how many files are copied at once.
const copyingAtOnce = 4

// errChanging is returned when a file changed while it was copied.
var errChanging = errors.New("the file is still being written")

// copies is the private, content-addressed folder of plugin binaries: each file
// is named by the sha256 of its content and never changes. Only files in here
// are executed.
type copies struct {
	dir    string
	places chan struct{}

	mu sync.Mutex
	// clock counts uses; used holds its value when a digest was last taken or
	// given back, users how many hold it now.
	clock uint64
	used  map[string]uint64
	users map[string]int
}

func openCopies(dir string) (*copies, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of plugin copies: %w", err)
	}
	return &copies{
		dir: dir, places: make(chan struct{}, copyingAtOnce),
		used: map[string]uint64{}, users: map[string]int{},
	}, nil
}

// path of the copy with a digest, whether it is there or not.
func (c *copies) path(digest string) string { return filepath.Join(c.dir, digest) }

// ready says whether the copy is there, and counts as a use of it.
func (c *copies) ready(digest string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.has(digest) {
		return false
	}
	c.touch(digest)
	return true
}

func (c *copies) has(digest string) bool {
	info, err := os.Stat(c.path(digest))
	return digest != "" && err == nil && info.Mode().IsRegular()
}

// take returns the path of a copy that stays until release is called. The error
// is fs.ErrNotExist when there is no such copy.
func (c *copies) take(digest string) (path string, release func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !isDigest(digest) || !c.has(digest) {
		return "", nil, fmt.Errorf("plugin copy %s: %w", digest, fs.ErrNotExist)
	}
	c.users[digest]++
	c.touch(digest)
	return c.path(digest), sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.users[digest]--
		if c.users[digest] == 0 {
			delete(c.users, digest)
		}
		c.touch(digest)
	}), nil
}

func (c *copies) touch(digest string) {
	c.clock++
	c.used[digest] = c.clock
}

// add copies a file in and returns its digest. errChanging when the file was
// not the same after the copy as before.
func (c *copies) add(ctx context.Context, path string) (digest string, err error) {
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	from, err := os.Open(path) //nolint:gosec // reading the plugin folder is what this is for
	if err != nil {
		return "", err
	}
	defer from.Close() //nolint:errcheck // only read from
	to, err := os.CreateTemp(c.dir, ".copy-*")
	if err != nil {
		return "", fmt.Errorf("make a plugin copy: %w", err)
	}
	defer os.Remove(to.Name()) //nolint:errcheck // gone already when all went well
	digest, err = c.fill(to, from, path)
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touch(digest)
	if c.has(digest) {
		return digest, nil
	}
	if err := os.Rename(to.Name(), c.path(digest)); err != nil {
		return "", fmt.Errorf("name a plugin copy: %w", err)
	}
	return digest, syncFolder(c.dir)
}

// fill writes from into to, durable and executable, and returns the digest.
func (c *copies) fill(to, from *os.File, path string) (string, error) {
	before, err := from.Stat()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, hash), io.LimitReader(from, maxBinary+1))
	if err != nil {
		return "", fmt.Errorf("copy: %w", err)
	}
	if n > maxBinary {
		return "", fmt.Errorf("is larger than %d MiB", maxBinary>>20)
	}
	after, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if n != after.Size() || statKey(before) != statKey(after) {
		return "", errChanging
	}
	if err := to.Chmod(0o500); err != nil {
		return "", fmt.Errorf("make a plugin copy executable: %w", err)
	}
	if err := to.Sync(); err != nil {
		return "", fmt.Errorf("sync a plugin copy: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// moment is a point in the order of uses, for prune.
func (c *copies) moment() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

// extra returns the digests that are stored, not in use and not in keep.
func (c *copies) extra(keep map[string]bool) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of plugin copies: %w", err)
	}
	var digests []string
	for _, e := range entries {
		if isDigest(e.Name()) && !keep[e.Name()] && c.users[e.Name()] == 0 {
			digests = append(digests, e.Name())
		}
	}
	return digests, nil
}

// prune removes the copies given, but for those used after the moment given:
// a run that began and ended since may have left an undo record.
func (c *copies) prune(digests []string, since uint64) (removed []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range digests {
		if c.users[d] > 0 || c.used[d] > since {
			continue
		}
		if e := os.Remove(c.path(d)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
			continue
		}
		delete(c.used, d)
		removed = append(removed, d)
	}
	return removed, err
}

// clearTemporary removes what an interrupted add left behind.
func (c *copies) clearTemporary() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("read the folder of plugin copies: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".copy-") {
			err = errors.Join(err, os.Remove(filepath.Join(c.dir, e.Name())))
		}
	}
	return err
}

func isDigest(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// syncFolder makes a rename in the folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // a folder of our own
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only synced
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
