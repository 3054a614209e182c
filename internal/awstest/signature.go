package awstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// This file checks Signature Version 4 as "Create a signed AWS API request" in
// the IAM User Guide describes it.

const (
	algorithm = "AWS4-HMAC-SHA256"
	amzDate   = "20060102T150405Z"
	maxSkew   = 15 * time.Minute // "RequestExpired" in AWS's list of common errors
)

// refusal is why a request is not let in.
type refusal int

const (
	_ refusal = iota
	unsigned
	malformed
	unknownKey
	wrongToken
	wrongScope
	wrongSignature
	skewed
	keyExpired
)

// authorization is an Authorization header, taken apart.
type authorization struct {
	key           string
	date          string // YYYYMMDD
	region        string
	service       string
	signedHeaders []string
	signature     string
}

var (
	inAuthorization = regexp.MustCompile(
		`^` + algorithm + ` Credential=([^/, ]+)/(\d{8})/([^/, ]*)/([^/, ]*)/aws4_request, ?` +
			`SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)
	isRegion = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d{1,2}$`)
)

// parseAuthorization reads the header; false if it isn't one of Signature
// Version 4.
func parseAuthorization(header string) (authorization, bool) {
	m := inAuthorization.FindStringSubmatch(header)
	if m == nil {
		return authorization{}, false
	}
	return authorization{m[1], m[2], m[3], m[4], strings.Split(m[5], ";"), m[6]}, true
}

// authenticate returns the key that signed the request, or why it is refused.
func (s *Server) authenticate(q *query) (key, refusal) {
	a, sent := q.auth, q.http.Header
	if sent.Get("Authorization") == "" {
		return key{}, unsigned
	}
	s.mu.Lock()
	k, known := s.keys.byID[a.key]
	s.mu.Unlock()
	now := time.Now()
	signed, err := time.Parse(amzDate, sent.Get("X-Amz-Date"))
	switch {
	case err != nil, signed.Format("20060102") != a.date, !coversAll(a.signedHeaders, sent):
		return key{}, malformed
	case !known:
		return key{}, unknownKey
	case a.service != q.service.name, !isRegion.MatchString(a.region):
		return key{}, wrongScope
	case !hmac.Equal([]byte(a.signature), []byte(a.sign(q.http, k.Secret, q.body))):
		return key{}, wrongSignature
	case k.Token != sent.Get("X-Amz-Security-Token"):
		return key{}, wrongToken
	case now.Sub(signed).Abs() > maxSkew:
		return key{}, skewed
	case k.expired(now):
		return key{}, keyExpired
	}
	return k, 0
}

// coversAll tells whether the headers that must be signed are: host, the type of
// the content and all of Amazon's own.
func coversAll(signed []string, sent http.Header) bool {
	if !slices.IsSorted(signed) || !slices.Contains(signed, "host") || !slices.Contains(signed, "x-amz-date") {
		return false
	}
	for name := range sent {
		name = strings.ToLower(name)
		must := name == "content-type" || strings.HasPrefix(name, "x-amz-")
		if must && !slices.Contains(signed, name) {
			return false
		}
	}
	return true
}

// sign returns the signature that the request should have.
func (a authorization) sign(r *http.Request, secret string, body []byte) string {
	scope := strings.Join([]string{a.date, a.region, a.service, "aws4_request"}, "/")
	toSign := strings.Join([]string{
		algorithm, r.Header.Get("X-Amz-Date"), scope, digest([]byte(a.canonical(r, body))),
	}, "\n")
	k := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, "aws4_request", toSign} {
		k = mac(k, part)
	}
	return hex.EncodeToString(k)
}

// canonical is the request in the form that is signed.
func (a authorization) canonical(r *http.Request, body []byte) string {
	var headers strings.Builder
	for _, name := range a.signedHeaders {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	// The only path served is "/", which needs no encoding.
	return strings.Join([]string{
		r.Method, r.URL.EscapedPath(), canonicalQuery(r.URL.Query()), headers.String(),
		strings.Join(a.signedHeaders, ";"), digest(body),
	}, "\n")
}

// headerValue is a header's value as it is signed.
func headerValue(r *http.Request, name string) string {
	if name == "host" { // Go's server keeps it elsewhere
		return r.Host
	}
	var values []string
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

// canonicalQuery is the query sorted, with everything but unreserved characters
// encoded.
func canonicalQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
