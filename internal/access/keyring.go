package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// The errors of Identify.
var (
	// ErrUnknownKey is returned for what no key has ever opened with.
	ErrUnknownKey = errors.New("no such key")
	// ErrExpired is returned for the secret of a key whose time is over.
	ErrExpired = errors.New("the key has expired")
	// ErrRevoked is returned for the secret of a key that was revoked.
	ErrRevoked = errors.New("the key was revoked")
)

// Keyring holds the keys of a Store in memory, so that a request asks no disk.
// Its methods may be called by several goroutines.
type Keyring struct {
	store Store

	changing sync.Mutex // held while the store is told of a change
	mu       sync.RWMutex
	keys     map[KeyID]Key
}

// Open reads the keys of the store.
func Open(ctx context.Context, store Store) (*Keyring, error) {
	stored, err := store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API keys: %w", err)
	}
	r := &Keyring{store: store, keys: make(map[KeyID]Key, len(stored))}
	for _, k := range stored {
		r.keys[k.ID] = k
	}
	return r, nil
}

// Closed says whether a key has ever been made: then nobody is let in without
// one, however they come, but over the socket.
func (r *Keyring) Closed() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.keys) > 0
}

// NewKey is what somebody asks for.
type NewKey struct {
	Name    string
	Role    Role
	Limits  Limits
	Expires time.Time // zero: never
	By      string
}

// Make makes a key and stores it. The secret is what its owner sends, and is not
// kept: "cmed_<id>_<43 characters>". CodeInvalid (an *engine.Error) with a pointer
// when something is wrong with what is asked for; CodeConflict when MaxKeys keys
// are valid. Where as many are kept, the one that ended first is forgotten. Until it
// returns, the key opens nothing.
func (r *Keyring) Make(ctx context.Context, want NewKey) (k Key, secret string, err error) {
	now := time.Now().UTC()
	if err := want.check(now); err != nil {
		return Key{}, "", err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	gone, err := r.makeRoom(now)
	if err != nil {
		return Key{}, "", err
	}
	id := r.freshID()
	secret = newSecret(id)
	sum := sha256.Sum256([]byte(secret))
	k = Key{
		ID: id, Name: want.Name, Role: want.Role, Hash: sum[:], Limits: want.Limits.clone(),
		Created: now, By: want.By,
	}
	if !want.Expires.IsZero() {
		k.Expires = want.Expires.UTC().Round(0)
	}
	if err := r.store.AddKey(ctx, k, gone...); err != nil {
		return Key{}, "", fmt.Errorf("store the key: %w", err)
	}
	r.put(k)
	r.drop(gone)
	return k.withoutHash(), secret, nil
}

// makeRoom returns what to forget so that one more key can be kept: of the keys that
// open nothing any more those that ended first.
func (r *Keyring) makeRoom(now time.Time) ([]KeyID, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	excess := len(r.keys) + 1 - MaxKeys
	if excess <= 0 {
		return nil, nil
	}
	var ended []Key
	for _, k := range r.keys {
		if !k.Live(now) {
			ended = append(ended, k)
		}
	}
	if len(ended) < excess {
		return nil, engine.Errorf(engine.CodeConflict, "there are %d valid keys, and no more are kept: revoke some", MaxKeys)
	}
	slices.SortFunc(ended, func(a, b Key) int { return cmp.Or(a.ended().Compare(b.ended()), cmp.Compare(a.ID, b.ID)) })
	gone := make([]KeyID, excess)
	for i := range gone {
		gone[i] = ended[i].ID
	}
	return gone, nil
}

// freshID returns an id that no key has.
func (r *Keyring) freshID() KeyID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for {
		id := newKeyID()
		if _, taken := r.keys[id]; !taken {
			return id
		}
	}
}

// Revoke makes a key open nothing from now on, whatever the store says: when
// that can't be written, the error is returned, and a daemon that is started
// anew would take the key again. CodeNotFound when there is none.
func (r *Keyring) Revoke(ctx context.Context, id KeyID) (Key, error) {
	k, ok := r.end(id, time.Now().UTC()) // before anything that a disk may hold up
	if !ok {
		return Key{}, engine.Errorf(engine.CodeNotFound, "key not found %.80s", string(id))
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	stored, err := r.store.RevokeKey(ctx, id, k.Revoked)
	if err != nil {
		return k.withoutHash(), fmt.Errorf("store that key %s is revoked, which a restart would not know of now: %w", id, err)
	}
	r.put(stored)
	return stored.withoutHash(), nil
}

// Keys lists all keys, oldest first, without their hashes.
func (r *Keyring) Keys() []Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Key, 0, len(r.keys))
	for _, k := range r.keys {
		list = append(list, k.withoutHash())
	}
	slices.SortFunc(list, func(a, b Key) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Key returns a key by its id, without its hash; false when there is none.
func (r *Keyring) Key(id KeyID) (Key, bool) {
	k, ok := r.find(id)
	return k.withoutHash(), ok
}

// Identify returns the live key that a secret belongs to, without its hash. How
// long it takes says nothing of how near a wrong secret is to a right one, and
// hardly whether there is a key with its id, which is no secret. ErrUnknownKey,
// ErrExpired, ErrRevoked: the last two only for the whole secret of that key.
func (r *Keyring) Identify(secret string) (Key, error) {
	id, wellFormed := idIn(secret)
	if !wellFormed {
		secret = noSecret // as long as every other
	}
	k, known := r.find(id)
	stored := k.Hash
	if !known {
		stored = nobodysHash
	}
	sum := sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare(sum[:], stored) == 1
	switch {
	case !same || !known || !wellFormed:
		return Key{}, ErrUnknownKey
	case !k.Revoked.IsZero():
		return Key{}, ErrRevoked
	case !k.Live(time.Now()):
		return Key{}, ErrExpired
	}
	return k.withoutHash(), nil
}

func (r *Keyring) find(id KeyID) (Key, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, ok := r.keys[id]
	return k, ok
}

func (r *Keyring) put(k Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[k.ID] = k
}

// end revokes a key in memory, unless it is revoked; false when there is none.
func (r *Keyring) end(id KeyID, now time.Time) (Key, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.keys[id]
	if ok && k.Revoked.IsZero() {
		k.Revoked = now
		r.keys[id] = k
	}
	return k, ok
}

func (r *Keyring) drop(ids []KeyID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		delete(r.keys, id)
	}
}

// The form of a secret: prefix, id, underscore, 32 random bytes in base64url.
const (
	secretPrefix = "cmed_"
	idLength     = 12
	randomLength = 43
	secretLength = len(secretPrefix) + idLength + 1 + randomLength
	// idDigits are those of an id; 32 of them, so that each is as likely.
	idDigits = "abcdefghijkmnpqrstuvwxyz23456789"
)

// noSecret is hashed, and nobodysHash compared with, when there is nothing to be
// hashed or compared with.
var (
	noSecret    = strings.Repeat("0", secretLength)
	nobodysHash = make([]byte, sha256.Size)
)

func newSecret(id KeyID) string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: it ends the program instead
	return secretPrefix + string(id) + "_" + base64.RawURLEncoding.EncodeToString(random[:])
}

func newKeyID() KeyID {
	var random [idLength]byte
	_, _ = rand.Read(random[:])
	for i := range random {
		random[i] = idDigits[int(random[i])%len(idDigits)]
	}
	return KeyID(random[:])
}

// idIn returns the id in a secret; false when it has not the form of one.
func idIn(secret string) (KeyID, bool) {
	if len(secret) != secretLength || !strings.HasPrefix(secret, secretPrefix) {
		return "", false
	}
	id, rest, _ := strings.Cut(secret[len(secretPrefix):], "_")
	if len(id) != idLength || len(rest) != randomLength || !KeyID(id).Valid() {
		return "", false
	}
	return KeyID(id), true
}
