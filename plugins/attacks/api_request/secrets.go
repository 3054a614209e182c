package main

import (
	"net/http"
	"slices"
	"strings"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// shortestSecret is how long a header's value must be to be looked for in an
// answer: shorter ones are no secrets, and occur by chance.
const shortestSecret = 8

// hiddenHeaders are those of an answer that hand out credentials.
var hiddenHeaders = []string{
	"Authentication-Info", "Authorization", "Cookie", "Proxy-Authentication-Info", "Proxy-Authorization",
	"Set-Cookie", "Set-Cookie2", "X-Amz-Security-Token", "X-Api-Key", "X-Auth-Token", "X-Csrf-Token",
}

// secrets are texts that must not stand in a result document, longest first.
type secrets []string

// secretsIn collects the values of the headers sent, and of those with a scheme
// ("Bearer …") the credentials alone too.
func secretsIn(headers map[string]string) secrets {
	var found secrets
	for _, value := range headers {
		_, credentials, _ := strings.Cut(value, " ")
		for _, text := range []string{value, credentials} {
			if text = strings.TrimSpace(text); len(text) >= shortestSecret {
				found = append(found, text)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found
}

// longest is the length of the longest secret in bytes.
func (s secrets) longest() int {
	if len(s) == 0 {
		return 0
	}
	return len(s[0])
}

// in returns the text with every secret replaced.
func (s secrets) in(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return text
}

// inHeaders returns a copy of an answer's headers with every secret replaced.
func (s secrets) inHeaders(headers http.Header) map[string][]string {
	shown := make(map[string][]string, len(headers))
	for name, values := range headers {
		if slices.Contains(hiddenHeaders, name) {
			shown[name] = []string{redacted}
			continue
		}
		for _, value := range values {
			shown[name] = append(shown[name], s.in(value))
		}
	}
	return shown
}
