package awstest

import (
	"crypto/rand"
	"strings"
	"time"
)

// Credentials are a key pair; Token is set for temporary ones.
type Credentials struct{ ID, Secret, Token string }

// key is one that the server accepts, or accepted.
type key struct {
	Credentials
	expires time.Time // zero: never
	arn     string    // whose it is
}

// expired tells whether a temporary key's time is over.
func (k key) expired(now time.Time) bool { return !k.expires.IsZero() && !now.Before(k.expires) }

// keyring has all keys that were ever given out.
type keyring struct {
	own  Credentials
	byID map[string]key
}

func newKeyring() keyring {
	own := Credentials{ID: "AKIA" + random(16), Secret: random(40)}
	return keyring{own: own, byID: map[string]key{
		own.ID: {Credentials: own, arn: "arn:aws:iam::" + account + ":user/awstest"},
	}}
}

// issue makes a temporary key.
func (r *keyring) issue(arn string, expires time.Time) key {
	k := key{
		Credentials: Credentials{ID: "ASIA" + random(16), Secret: random(40), Token: random(120)},
		expires:     expires,
		arn:         arn,
	}
	r.byID[k.ID] = k
	return k
}

// random returns n letters and digits that can't be guessed.
func random(n int) string {
	var text strings.Builder
	for text.Len() < n {
		text.WriteString(rand.Text())
	}
	return text.String()[:n]
}

// role is one that an instance has and that can be assumed.
type role struct {
	name   string
	valid  time.Duration
	tokens map[string]bool // of web identities that may assume it
	issued key             // the credentials on the metadata service; zero: none yet
}

// arn is the role's own, not that of a session with it.
func (r *role) arn() string { return "arn:aws:iam::" + account + ":role/" + r.name }

// session is the ARN under which credentials of the role act.
func (r *role) session(name string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + r.name + "/" + name
}

// Role makes the metadata service hand out temporary credentials for a role of
// that name, which the server then accepts until they expire; with valid not
// above zero they already have. The role can be assumed through STS too: by
// whoever has accepted credentials, and with a token of WebIdentity.
func (s *Server) Role(name string, valid time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.role(name); r != nil {
		r.valid, r.issued = valid, key{}
		return
	}
	s.roles = append(s.roles, &role{name: name, valid: valid, tokens: map[string]bool{}})
}

// WebIdentity returns a token with which the role can be assumed by
// AssumeRoleWithWebIdentity, and the role's ARN. It panics if there is no such
// Role.
func (s *Server) WebIdentity(name string) (token, arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.role(name)
	if r == nil {
		panic("awstest: no role " + name)
	}
	token = random(60)
	r.tokens[token] = true
	return token, r.arn()
}

// role returns the role of that name or with that ARN, nil if there is none.
func (s *Server) role(nameOrARN string) *role {
	for _, r := range s.roles {
		if r.name == nameOrARN || r.arn() == nameOrARN {
			return r
		}
	}
	return nil
}
