package store

import (
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

func keyNamed(id access.KeyID, created time.Time) access.Key {
	sum := sha256.Sum256([]byte(id))
	return access.Key{
		ID: id, Name: "of " + string(id), Role: access.Operator, Hash: sum[:], Created: created, By: "alice",
		Expires: created.Add(time.Hour), Limits: access.Limits{Refs: []string{"tc:*"}, Labels: map[string]string{"team": "one"}},
	}
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cme.db")
	s := openAt(t, path)
	younger, older := keyNamed("aaaaaaaaaaaa", at(2)), keyNamed("zzzzzzzzzzzz", at(1))
	wantNoError(t, s.AddKey(t.Context(), younger))
	wantNoError(t, s.AddKey(t.Context(), older))
	wantCode(t, s.AddKey(t.Context(), older), engine.CodeConflict)
	for _, id := range []access.KeyID{"", "short", "with space..", "UPPERCASE123", "aaaaaaaaaaaaa"} {
		wantCode(t, s.AddKey(t.Context(), keyNamed(id, noon)), engine.CodeInvalid)
	}

	revoked, err := s.RevokeKey(t.Context(), older.ID, at(5))
	wantNoError(t, err)
	older.Revoked = at(5)
	wantSame(t, "revoked", revoked, older)
	again, err := s.RevokeKey(t.Context(), older.ID, at(9))
	wantNoError(t, err)
	wantSame(t, "revoked again", again, older)
	_, err = s.RevokeKey(t.Context(), "nobodyshere1", at(9))
	wantCode(t, err, engine.CodeNotFound)

	wantNoError(t, s.Close())
	s = openAt(t, path)
	keys, err := s.Keys(t.Context())
	wantNoError(t, err)
	wantSame(t, "keys", keys, []access.Key{older, younger})

	wantCode(t, s.AddKey(t.Context(), younger, older.ID), engine.CodeConflict) // then nothing is gone
	next := keyNamed("mmmmmmmmmmmm", at(3))
	wantNoError(t, s.AddKey(t.Context(), next, older.ID))
	keys, err = s.Keys(t.Context())
	wantNoError(t, err)
	wantSame(t, "keys in its place", keys, []access.Key{younger, next})
	check(t, s)
}
