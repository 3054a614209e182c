package access_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// TestOnlyTheWholeSecretOpens tries what is near to it.
func TestOnlyTheWholeSecretOpens(t *testing.T) {
	r := open(t, &shelf{})
	_, secret := made(t, r, access.NewKey{})
	_, other := made(t, r, access.NewKey{})
	flip := func(i int) string {
		c := byte('a')
		if secret[i] == c {
			c = 'b'
		}
		return secret[:i] + string(c) + secret[i+1:]
	}
	wrong := map[string]string{
		"nothing": "", "its prefix": "cmed_", "its id": secret[:17], "its random part": secret[18:],
		"one more": secret + "A", "one less": secret[:60], "a blank before": " " + secret, "a line": secret + "\n",
		"in capitals": strings.ToUpper(secret), "the id of another": other[:18] + secret[18:],
		"zeros": "cmed_000000000000_" + strings.Repeat("0", 43), "much": strings.Repeat("cmed_", 1<<18),
		"a NUL": secret[:60] + "\x00",
	}
	for i := range secret {
		wrong["another character at "+string(rune('0'+i))] = flip(i)
	}
	for name, s := range wrong {
		if k, err := r.Identify(s); !errors.Is(err, access.ErrUnknownKey) || k.ID != "" {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
	if _, err := r.Identify(secret); err != nil {
		t.Errorf("the secret itself: %v", err)
	}
}

// TestSecretsDiffer finds an error that would make them alike.
func TestSecretsDiffer(t *testing.T) {
	r := open(t, &shelf{})
	seen := map[string]bool{}
	for range 500 {
		k, secret := made(t, r, access.NewKey{})
		if seen[string(k.ID)] || seen[secret[18:]] {
			t.Fatal("an id or a secret came twice")
		}
		seen[string(k.ID)], seen[secret[18:]] = true, true
	}
}

func FuzzIdentify(f *testing.F) {
	r := open(f, &shelf{})
	_, secret := made(f, r, access.NewKey{})
	revoked, gone := made(f, r, access.NewKey{})
	if _, err := r.Revoke(f.Context(), revoked.ID); err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{secret, gone, "", "cmed_", secret[:17], secret + "x", "cmed__" + secret[18:], "Bearer " + secret} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := r.Identify(s)
		switch {
		case s == secret:
			if err != nil {
				t.Errorf("the secret: %v", err)
			}
		case s == gone:
			if !errors.Is(err, access.ErrRevoked) {
				t.Errorf("the revoked one: %v", err)
			}
		case !errors.Is(err, access.ErrUnknownKey) || k.ID != "" || strings.Contains(err.Error(), "cmed_"):
			t.Errorf("%q: %+v, %v", s, k, err)
		}
	})
}

func BenchmarkIdentify(b *testing.B) {
	r := open(b, &shelf{})
	_, secret := made(b, r, access.NewKey{})
	for name, s := range map[string]string{"right": secret, "wrong": secret[:60] + "!", "no key": strings.Repeat("x", 61), "short": "x"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = r.Identify(s)
			}
		})
	}
}
