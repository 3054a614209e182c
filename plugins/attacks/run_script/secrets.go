package main

import (
	"slices"
	"strings"
)

// shortestSecret is the length below which a value is left: hiding it would mangle
// ordinary text. The daemon has the same bound.
const shortestSecret = 4

// redaction takes the values of secret_env out of what a script prints. The daemon does
// so too, but sees only lines and quotes, in which a value may be in pieces.
type redaction struct {
	values  *strings.Replacer
	longest int // of the values, in bytes
}

func newRedaction(secret map[string]string) redaction {
	var secrets []string
	for _, value := range secret {
		secrets = append(secrets, value)
		secrets = append(secrets, strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' })...)
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < shortestSecret })
	// Of several that begin at one place, strings.Replacer takes the first.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var r redaction
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, "[redacted]")
		r.longest = max(r.longest, len(s))
	}
	r.values = strings.NewReplacer(pairs...)
	return r
}
