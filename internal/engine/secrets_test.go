package engine

import "testing"

func TestLongerSecretFirst(t *testing.T) {
	c := Config{Doc: []byte(`{"args":{"a":"pass","b":"password-123"}}`)}
	s := newScrubber(c, []string{"/args/a", "/args/b"})
	if got := s.text("login with password-123"); got != "login with [redacted]" {
		t.Errorf("%q", got)
	}
}
