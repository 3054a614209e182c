package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"
)

// keptBody is how many bytes of a body the result document holds.
const keptBody = 4 << 10

// readBody is how many bytes of a body are read before the connection is closed
// on the sender: an answer without end must not run into the timeout.
const readBody = 16 << 20

// answer is the run's result document.
type answer struct {
	// URL is the one that answered, after redirects.
	URL     string              `json:"url"`
	Status  int                 `json:"status"`
	Headers map[string][]string `json:"headers"`
	// Body is the first 4 KiB, as text if it is UTF-8 and else in base64.
	Body         string `json:"body"`
	BodyEncoding string `json:"body_encoding"` // "utf-8", "base64"
	// BodyBytes is how much was read, at most 16 MiB.
	BodyBytes     int64 `json:"body_bytes"`
	BodyTruncated bool  `json:"body_truncated"` // Body is not all of it
	DurationMS    int64 `json:"duration_ms"`
}

// readAnswer reads the response to its end, or as far as readBody. What it
// returns is valid, as far as it goes, also with an error.
func readAnswer(response *http.Response, hide secrets) (answer, error) {
	final := *response.Request.URL
	final.User = nil
	got := answer{URL: hide.in(final.String()), Status: response.StatusCode, Headers: hide.inHeaders(response.Header)}

	// A secret that begins before the cut must be whole to be found; one that
	// begins later may not be, so what is read beyond is not shown.
	limit := keptBody + hide.longest()
	start, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)))
	got.BodyBytes = int64(len(start))
	text := hide.in(string(start))
	if len(start) == limit {
		text = text[:max(0, len(text)-hide.longest())]
	}
	if err == nil {
		var rest int64
		rest, err = io.Copy(io.Discard, io.LimitReader(response.Body, readBody-got.BodyBytes))
		got.BodyBytes += rest
	}
	got.BodyTruncated = got.BodyBytes > keptBody
	got.Body, got.BodyEncoding = printable([]byte(text), got.BodyTruncated)
	if err != nil {
		return got, fmt.Errorf("read the answer's body: %w", err)
	}
	return got, nil
}

// printable returns the first keptBody bytes as text, or in base64 when they
// are no text. When cut, a rune that is not whole at the end is dropped.
func printable(body []byte, cut bool) (text, encoding string) {
	body = body[:min(len(body), keptBody)]
	whole := body
	if cut {
		whole = withoutBrokenEnd(body)
	}
	if utf8.Valid(whole) {
		return string(whole), "utf-8"
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}

// withoutBrokenEnd drops the start of a rune at the end of b.
func withoutBrokenEnd(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		tail := b[len(b)-n:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}
