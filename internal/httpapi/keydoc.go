package httpapi

import (
	"net/url"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// keyDocument is an API key, without what opens.
type keyDocument struct {
	ID      access.KeyID  `json:"id"`
	Name    string        `json:"name"`
	Role    access.Role   `json:"role"`
	Limits  access.Limits `json:"limits"`
	Created *string       `json:"created"`
	By      string        `json:"by"`
	Expires *string       `json:"expires"` // null: never
	Revoked *string       `json:"revoked"` // null: it is not
	Live    bool          `json:"live"`    // it opens something now
	Links   keyLinks      `json:"_links"`
}

type keyLinks struct {
	Self   link `json:"self"`
	Delete link `json:"delete"`
	Keys   link `json:"keys"`
}

type keyList struct {
	Keys  []keyDocument `json:"keys"`
	Links selfLinks     `json:"_links"`
}

// createdKey is the only answer that ever shows what opens.
type createdKey struct {
	keyDocument
	Key string `json:"key"`
	Msg string `json:"msg"`
	warned
}

type revokedKey struct {
	keyDocument
	Msg string `json:"msg"`
}

func newKeyDocument(k access.Key, zone *time.Location) keyDocument {
	href := keysPath + url.PathEscape(string(k.ID))
	return keyDocument{
		ID:      k.ID,
		Name:    k.Name,
		Role:    k.Role,
		Limits:  k.Limits,
		Created: showTime(k.Created, zone),
		By:      k.By,
		Expires: showTime(k.Expires, zone),
		Revoked: showTime(k.Revoked, zone),
		Live:    k.Live(time.Now()),
		Links:   keyLinks{Self: link{Href: href}, Delete: link{Href: href}, Keys: link{Href: keysPath}},
	}
}

// meDocument tells a caller who it is to the server.
type meDocument struct {
	Name string      `json:"name"`
	Role access.Role `json:"role"`
	// Key is the id of the key that was shown, null when none was.
	Key    *access.KeyID `json:"key"`
	Limits access.Limits `json:"limits"`
	// Open says that everything was let in without a key.
	Open  bool      `json:"open"`
	Links selfLinks `json:"_links"`
}
