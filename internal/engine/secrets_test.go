package engine

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestLongerSecretFirst(t *testing.T) {
	c := Config{Doc: []byte(`{"args":{"a":"pass","b":"password-123"}}`)}
	s := newScrubber(c, []string{"/args/a", "/args/b"})
	if got := s.text("login with password-123"); got != "login with [redacted]" {
		t.Errorf("%q", got)
	}
}

// Of a long secret that was cut, as the last words of a process may be, less
// than a piece is left.
func TestALongSecretIsFoundThoughItWasCut(t *testing.T) {
	key := longSecret()
	doc, err := json.Marshal(map[string]any{"args": map[string]string{"key": key}})
	if err != nil {
		t.Fatal(err)
	}
	s := newScrubber(Config{Doc: doc}, []string{"/args/key"})
	if got := s.text("whole: " + key + "!"); got != "whole: [redacted]!" {
		t.Errorf("%q", got)
	}
	for _, end := range []int{32, 33, 200, 1000, len(key) - 1} {
		left := strings.ReplaceAll(s.text("cut: "+key[:end]), redacted, "")
		if len(left) >= len("cut: ")+pieceSize || !strings.HasPrefix(left, "cut: ") {
			t.Errorf("of %d bytes are left %q", end, left)
		}
	}
}

// longSecret is as long as a private key, and nothing in it comes twice.
func longSecret() string {
	var b strings.Builder
	for i := range 300 {
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), 1+i/26) + "-")
	}
	return b.String()
}
