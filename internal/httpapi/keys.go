package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-monkey-engine/cmed/internal/access"
	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// maxTTL bounds how long a key that expires may live.
const maxTTL = 10 * 365 * 24 * time.Hour

// me tells a caller who it is.
func (s *Server) me(w http.ResponseWriter, r *http.Request) error {
	caller := callerOf(r)
	doc := meDocument{
		Name: caller.Name, Role: caller.Role, Limits: caller.Limits,
		Open: isAnybody(r.Context()), Links: selfLinks{selfLink(r)},
	}
	if caller.Key != "" {
		doc.Key = &caller.Key
	}
	return send(w, r, http.StatusOK, doc)
}

// keys lists all keys, oldest first.
func (s *Server) keys(w http.ResponseWriter, r *http.Request) error {
	keys := s.cfg.Keys.Keys()
	docs := make([]keyDocument, len(keys))
	for i, k := range keys {
		docs[i] = newKeyDocument(k, s.zone())
	}
	return send(w, r, http.StatusOK, keyList{docs, selfLinks{selfLink(r)}})
}

// key shows one key.
func (s *Server) key(w http.ResponseWriter, r *http.Request) error {
	k, err := s.findKey(r)
	if err != nil {
		return err
	}
	return send(w, r, http.StatusOK, newKeyDocument(k, s.zone()))
}

// findKey finds the key of the path. An id that is none is not repeated: somebody
// may have put the secret in its place.
func (s *Server) findKey(r *http.Request) (access.Key, error) {
	id := r.PathValue("id")
	if k, ok := s.cfg.Keys.Key(access.KeyID(id)); ok {
		return k, nil
	}
	if !access.KeyID(id).Valid() {
		return access.Key{}, engine.Errorf(engine.CodeNotFound,
			"key not found; a key is named by its id, the 12 characters behind cmed_, and never sent as part of an address")
	}
	return access.Key{}, engine.Errorf(engine.CodeNotFound, "key not found %s", id)
}

// createKey makes a key. The answer is the only one that shows what opens.
func (s *Server) createKey(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	want, err := s.parseKey(body, time.Now())
	if err != nil {
		return err
	}
	want.By = byOf(r, "")
	first := !s.cfg.Keys.Closed()
	k, secret, err := s.cfg.Keys.Make(r.Context(), want)
	if err != nil {
		return err
	}
	if first {
		s.sessions.end("") // of those who were let in without a key
	}
	note(w, string(k.ID), keyWords(k))
	doc := newKeyDocument(k, s.zone())
	w.Header().Set("Location", doc.Links.Self.Href)
	return send(w, r, http.StatusCreated, createdKey{
		keyDocument: doc, Key: secret, Msg: "ok; the key is shown this once only",
		warned: warned{s.idlePatterns(k.Limits.Refs)},
	})
}

// idlePatterns warns of the patterns that match no attack that is offered: a slip of
// the fingers makes a key that is good for nothing. The attack may come later.
func (s *Server) idlePatterns(patterns []string) []string {
	var names []engine.Ref
	for _, o := range s.engine.Offers(engine.KindAttack) {
		names = append(append(names, o.Ref), o.Aliases...)
	}
	var warnings []string
	for _, pattern := range patterns {
		if (access.Limits{Refs: []string{pattern}}).Refuses(append([]engine.Ref{""}, names...), nil) != "" {
			warnings = append(warnings, fmt.Sprintf("the pattern %q matches no attack that is offered now", pattern))
		}
	}
	return warnings
}

// keyWords tells what a key is, for the audit.
func keyWords(k access.Key) string {
	text := fmt.Sprintf("%q, %s", k.Name, k.Role)
	if !k.Expires.IsZero() {
		text += ", until " + k.Expires.UTC().Format(time.RFC3339)
	}
	if !k.Limits.None() {
		text += ", limited"
	}
	return text
}

// revokeKey makes a key open nothing from now on, and ends what it has open.
func (s *Server) revokeKey(w http.ResponseWriter, r *http.Request) error {
	found, err := s.findKey(r)
	if err != nil {
		return err
	}
	k, err := s.cfg.Keys.Revoke(r.Context(), found.ID)
	if !k.Revoked.IsZero() {
		s.sessions.end(k.ID) // also when that could not be stored
	}
	if err != nil {
		return err
	}
	note(w, "", fmt.Sprintf("%q, %s", k.Name, k.Role))
	return send(w, r, http.StatusOK, revokedKey{
		newKeyDocument(k, s.zone()), "key " + string(k.ID) + " revoked: it opens nothing from now on",
	})
}

// parseKey reads what key is wanted. Other members are not ignored: a limit that
// was misspelt would leave a key that has none.
func (s *Server) parseKey(body []byte, now time.Time) (access.NewKey, error) {
	var want access.NewKey
	if err := validate(s.bodies.key, body); err != nil {
		return want, err
	}
	members, err := membersOf(body)
	if err != nil {
		return want, err
	}
	want.Name, want.Role = strings.TrimSpace(text(members["name"])), access.Role(text(members["role"]))
	if err := refuseUnknown(members, keyMembers, "a key", ""); err != nil {
		return want, err
	}
	if ttl, given := members["ttl"]; given && string(ttl) != "null" {
		d, err := parseTTL(text(ttl))
		if err != nil {
			return want, err
		}
		want.Expires = now.Add(d)
	}
	limits, given := members["limits"]
	if !given || string(limits) == "null" {
		return want, nil
	}
	inner, err := membersOf(limits)
	if err != nil {
		return want, err
	}
	if err := refuseUnknown(inner, limitMembers, "limits", "/limits"); err != nil {
		return want, err
	}
	if err := json.Unmarshal(limits, &want.Limits); err != nil {
		return want, fmt.Errorf("read limits: %w", err)
	}
	return want, nil
}

// refuseUnknown refuses members that are not among the known ones, and names the
// first of them by the alphabet.
func refuseUnknown(members map[string]json.RawMessage, known []string, what, pointer string) error {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			msg := fmt.Sprintf("%s has no %q, only %s", what, name, strings.Join(known, ", "))
			return invalid(pointer+"/"+pointerEscape.Replace(name), invalidPayload(msg), msg)
		}
	}
	return nil
}

// pointerEscape writes a member's name as a part of a JSON pointer (RFC 6901).
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// parseTTL reads how long a key is to live: "720h", or days as in "30d".
func parseTTL(text string) (time.Duration, error) {
	const msg = `ttl is how long the key is to be valid, such as "12h" or "30d", at most 3650d; without it the key never expires`
	wrong := invalid("/ttl", invalidPayload(msg), msg)
	text = strings.TrimSpace(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if d := time.Duration(n) * 24 * time.Hour; err == nil && n > 0 && d <= maxTTL {
			return d, nil
		}
		return 0, wrong
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		unitless := fmt.Sprintf("ttl %q has no unit: ", text) + msg
		return 0, invalid("/ttl", invalidPayload(unitless), unitless)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxTTL {
		return 0, wrong
	}
	return d, nil
}
