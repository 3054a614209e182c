package access

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
)

// What a key may be. They bound what a request costs that makes or uses one.
const (
	// MaxKeys bounds how many keys are kept, revoked and expired ones included.
	MaxKeys = 10_000
	// maxName bounds a key's name, in characters.
	maxName = 100
	// maxLimits bounds the patterns, and the labels, of one key; maxLimit each of
	// them in bytes.
	maxLimits, maxLimit = 64, 256
)

// check says what is wrong with what is asked for.
func (want NewKey) check(now time.Time) error {
	var problems []engine.Problem
	note := func(pointer, format string, args ...any) {
		problems = append(problems, engine.Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
	}
	if why := wrongText(want.Name, maxName); why != "" {
		note("/name", "the name %s: it tells who or what the key is for", why)
	}
	if _, err := ParseRole(string(want.Role)); err != nil {
		note("/role", "%v", err)
	}
	if !want.Expires.IsZero() && !want.Expires.After(now) {
		note("/ttl", "the key would have expired when it is made")
	}
	if want.Role == Admin && !want.Limits.None() {
		note("/limits", "an administrator's key can't be limited: with it, one without limits can be made")
	}
	want.Limits.check(note)
	if len(problems) == 0 {
		return nil
	}
	return &engine.Error{
		Code: engine.CodeInvalid, Message: "invalid key: " + problems[0].Message, Problems: problems,
	}
}

func (l Limits) check(note func(pointer, format string, args ...any)) {
	if len(l.Refs) > maxLimits {
		note("/limits/refs", "there are %d patterns; at most %d may be", len(l.Refs), maxLimits)
		return
	}
	for i, pattern := range l.Refs {
		pointer := fmt.Sprintf("/limits/refs/%d", i)
		if why := wrongText(pattern, maxLimit); why != "" {
			note(pointer, "the pattern %s", why)
		} else if _, err := path.Match(pattern, ""); err != nil {
			note(pointer, "%q is not a pattern: write a ref, with * for any part of it, as in tc:*", pattern)
		}
	}
	if len(l.Labels) > maxLimits {
		note("/limits/labels", "there are %d labels; at most %d may be", len(l.Labels), maxLimits)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(l.Labels)) {
		pointer := "/limits/labels/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if why := wrongText(name, maxLimit); why != "" {
			note(pointer, "the label's name %s", why)
		}
		if value := l.Labels[name]; value != "" {
			if why := wrongText(value, maxLimit); why != "" {
				note(pointer, "the label's value %s", why)
			}
		}
	}
}

// wrongText says what keeps a text from being shown on a line; "" when nothing
// does.
func wrongText(s string, longest int) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty"
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case utf8.RuneCountInString(s) > longest:
		return fmt.Sprintf("is longer than %d characters", longest)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has characters that can't be shown"
	}
	return ""
}
