package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Key is an API key, without what its owner sends.
type Key struct {
	Raw json.RawMessage `json:"-"` // the document

	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Limits  Limits    `json:"limits"`
	Created time.Time `json:"created"`
	By      string    `json:"by"`
	Expires time.Time `json:"expires"` // zero: never
	Revoked time.Time `json:"revoked"` // zero: it is not
	Live    bool      `json:"live"`
	// Secret is what its owner sends. Only the answer to CreateKey has it.
	Secret   string   `json:"key"`
	Message  string   `json:"msg"`
	Warnings []string `json:"_warnings"`
}

func (k *Key) keep(raw json.RawMessage) { k.Raw = raw }

// Limits narrow what a key may plan, move and halt.
type Limits struct {
	Refs   []string          `json:"refs,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

// NewKey is what is asked for.
type NewKey struct {
	Name   string `json:"name"`
	Role   string `json:"role"`
	TTL    string `json:"ttl,omitempty"` // "720h", "30d"; "": it does not expire
	Limits Limits `json:"limits,omitzero"`
}

const keysPath = base + "/keys/"

// CreateKey makes a key.
func (c *Client) CreateKey(ctx context.Context, want NewKey) (Key, error) {
	body, err := bodyOf(want)
	if err != nil {
		return Key{}, err
	}
	return one[Key](ctx, c, request{method: http.MethodPost, path: keysPath, body: body})
}

// Keys lists all keys, the oldest first.
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	keys, _, err := page[Key](ctx, c, keysPath, "keys")
	return keys, err
}

// RevokeKey makes a key open nothing from now on.
func (c *Client) RevokeKey(ctx context.Context, id string) (Key, error) {
	if err := checkID(id, "a key"); err != nil {
		return Key{}, err
	}
	return one[Key](ctx, c, request{method: http.MethodDelete, path: keysPath + id})
}

// Me is who the daemon takes the caller for.
type Me struct {
	Raw json.RawMessage `json:"-"` // the document

	Name   string `json:"name"`
	Role   string `json:"role"`
	Key    string `json:"key"` // its id; "": none was shown
	Limits Limits `json:"limits"`
	// Open says that no key was ever made: whoever reaches the daemon over this
	// machine's loopback may do everything.
	Open bool `json:"open"`
}

func (m *Me) keep(raw json.RawMessage) { m.Raw = raw }

// Me asks who the caller is.
func (c *Client) Me(ctx context.Context) (Me, error) {
	return one[Me](ctx, c, get(base+"/me"))
}
