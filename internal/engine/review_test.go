package engine

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOfASecretThatWasCutLittleIsShown(t *testing.T) {
	for _, n := range []int{40, 64, 95} {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			b.WriteByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[(i*37+i/7)%62])
		}
		secret := b.String()
		doc, _ := json.Marshal(map[string]any{"ref": "a:B", "args": map[string]string{"key": secret}})
		s := newScrubber(Config{Doc: doc}, []string{"/args/key"})
		if !strings.Contains(s.text("x "+secret), redacted) {
			t.Fatal("not at all")
		}
		worst := 0
		for cut := 1; cut < n; cut++ {
			for _, text := range []string{secret[cut:], secret[:n-cut]} {
				out := s.text(text)
				longest := 0
				for i := range secret {
					for j := i + longest + 1; j <= n && strings.Contains(out, secret[i:j]); j++ {
						longest = j - i
					}
				}
				worst = max(worst, longest)
			}
		}
		if worst >= 2*pieceSize {
			t.Errorf("of a secret of %d bytes that was cut, %d in a row are shown", n, worst)
		}
	}
}
