package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// ask sends a GET with the headers given to a sink that answers with handler.
func ask(t *testing.T, headers map[string]string, handler http.HandlerFunc) answer {
	t.Helper()
	endpoint, _ := sink(t, handler)
	got, err := send(t.Context(), Args{Endpoint: endpoint, Method: "GET", Headers: headers}, "0190")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAnswerBody(t *testing.T) {
	binary := string([]byte{0xff, 0x00, 0xfe})
	euros := strings.Repeat("€", 1366) // 4,098 bytes: the last one crosses the cut
	for _, c := range []struct {
		rule, body     string
		want, encoding string
		truncated      bool
	}{
		{"text is text", "pong €\n", "pong €\n", "utf-8", false},
		{"nothing is nothing", "", "", "utf-8", false},
		{"bytes are base64", binary, base64.StdEncoding.EncodeToString([]byte(binary)), "base64", false},
		{"what fits is whole", strings.Repeat("x", keptBody), strings.Repeat("x", keptBody), "utf-8", false},
		{"what doesn't is cut", strings.Repeat("x", keptBody+1), strings.Repeat("x", keptBody), "utf-8", true},
		{"a rune that the cut breaks is left out", euros, euros[:4095], "utf-8", true},
		{"a rune that the sender breaks is not", "a€"[:3], base64.StdEncoding.EncodeToString([]byte("a€"[:3])), "base64", false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := ask(t, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.body) })
			if got.Body != c.want || got.BodyEncoding != c.encoding || got.BodyTruncated != c.truncated || got.BodyBytes != int64(len(c.body)) {
				t.Errorf("%d bytes, %d shown as %s, truncated %t: %.40q", got.BodyBytes, len(got.Body), got.BodyEncoding, got.BodyTruncated, got.Body)
			}
		})
	}
}

func TestAnswerWithoutEnd(t *testing.T) {
	chunk := strings.Repeat("x", 1<<20)
	got := ask(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return // the client has seen enough
			}
		}
	})
	if got.BodyBytes != readBody || len(got.Body) != keptBody || !got.BodyTruncated {
		t.Errorf("read %d bytes, kept %d, truncated %t", got.BodyBytes, len(got.Body), got.BodyTruncated)
	}
}

func TestAnswerThatBreaksOff(t *testing.T) {
	endpoint, _ := sink(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	got, err := send(t.Context(), Args{Endpoint: endpoint, Method: "GET"}, "0190")
	if err == nil || !strings.HasSuffix(err.Error(), "read the answer's body: unexpected EOF") {
		t.Errorf("error %v", err)
	}
	if got.Status != http.StatusOK || got.Body != "half" {
		t.Errorf("what came of the answer is lost: %+v", got)
	}
}

func TestAnswerHeadersAreBounded(t *testing.T) {
	endpoint, _ := sink(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeaderBytes))
	})
	if got, err := send(t.Context(), Args{Endpoint: endpoint, Method: "GET"}, "0190"); err == nil {
		t.Errorf("headers of %d bytes were kept", len(got.Headers["X-Long"][0]))
	}
}

func TestAnswerShowsNoSecret(t *testing.T) {
	const token = "s3cr3t-t0k3n-value"
	headers := map[string]string{"Authorization": "Bearer " + token, "X-Api-Key": "key-" + token, "X-Short": "test"}
	got := ask(t, headers, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session="+token)
		w.Header().Set("X-Echo", r.Header.Get("X-Api-Key"))
		w.Header().Set("X-Plain", "plain")
		_, _ = fmt.Fprintf(w, "%s, %s, %s", r.Header.Get("Authorization"), token, r.Header.Get("X-Short"))
	})
	if want := "[redacted], [redacted], test"; got.Body != want {
		t.Errorf("body %q, want %q", got.Body, want)
	}
	for name, want := range map[string]string{"Set-Cookie": redacted, "X-Echo": redacted, "X-Plain": "plain"} {
		if values := got.Headers[name]; len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
	expectHidden(t, got, token)
}

func TestAnswerShowsNoHalfOfASecret(t *testing.T) {
	const token = "s3cr3t-t0k3n-value"
	for shift := range 2 * len(token) {
		body := strings.Repeat(token, 3) + strings.Repeat("x", keptBody-4*len(token)+shift) + strings.Repeat(token, 3)
		got := ask(t, map[string]string{"Authorization": token}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, body)
		})
		expectHidden(t, got, token[:4])
	}
}

// expectHidden fails if the document has the text anywhere.
func expectHidden(t *testing.T, got answer, text string) {
	t.Helper()
	document, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(document), text) {
		t.Fatalf("%q stands in %s", text, document)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add([]byte("text"), true)
	f.Add([]byte("half a rune \xe2\x82"), true)
	f.Add([]byte{0xff}, false)
	f.Fuzz(func(t *testing.T, body []byte, cut bool) {
		text, encoding := printable(body, cut)
		if !utf8.ValidString(text) {
			t.Errorf("%q is no text", text)
		}
		if encoding == "utf-8" && !strings.HasPrefix(string(body), text) {
			t.Errorf("%q is not the start of %q", text, body)
		}
		if _, err := base64.StdEncoding.DecodeString(text); encoding == "base64" && err != nil {
			t.Errorf("%q is not base64: %v", text, err)
		}
	})
}
