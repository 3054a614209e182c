package remote

import "strings"

// quote returns s as one word of a POSIX shell. Words of harmless characters stay
// as they are, so that commands which a login shell of another family reads
// (fish, csh) mean the same there.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, special) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func special(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("/._-+:,@", r)
}
