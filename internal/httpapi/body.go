package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxBody is the largest request body, in bytes.
const maxBody = 1 << 20

// Bounds of a number in a body. Beyond what a float64 holds, exact arithmetic
// on it (JSON Schema's integer and minimum) would cost unbounded time.
const (
	maxNumberLen = 400
	maxExponent  = 400
)

// notJSON is the text that clients compare.
const notJSON = "payload must be a valid json"

// readBody reads a JSON body. It checks, in this order, the content type and
// encoding (415), the size (413) and the syntax (400). A 408 says that it came
// too slowly.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := checkContentType(r); err != nil {
		return nil, err
	}
	return readJSON(w, r)
}

// readJSON is readBody for calls that must not fail for a header somebody
// forgot: it does not look at the content type.
func readJSON(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := checkEncoding(r); err != nil {
		return nil, err
	}
	body, err := readAll(w, r)
	if err != nil {
		return nil, err
	}
	if err := checkJSON(body); err != nil {
		return nil, invalid("", notJSON, err.Error())
	}
	return body, nil
}

// readAll reads a body of any content to its end.
func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(http.StatusRequestTimeout, "the body took too long to arrive")
	case err != nil:
		return nil, invalid("", notJSON, "the body could not be read to its end")
	}
	return body, nil
}

func tooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody)
}

// checkEncoding wants a body that is not compressed.
func checkEncoding(r *http.Request) error {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return refuse(http.StatusUnsupportedMediaType, "the content encoding %q is not supported", enc)
	}
	return nil
}

// checkContentType wants application/json or +json, in UTF-8. A request without
// any body needs no type.
func checkContentType(r *http.Request) error {
	value := r.Header.Get("Content-Type")
	if value == "" && r.ContentLength == 0 {
		return nil
	}
	media, params, err := mime.ParseMediaType(value)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return refuse(http.StatusUnsupportedMediaType, "the content type must be application/json, not %q", value)
	}
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return nil
	}
	return refuse(http.StatusUnsupportedMediaType, "the charset must be utf-8, not %q", params["charset"])
}

// checkJSON returns why the body is not one JSON value that every reader reads
// alike: it is UTF-8, its objects name each member once, and its numbers are
// within reason.
func checkJSON(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("the body is empty")
	}
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		return err
	}
	return checkMembers(json.NewDecoder(bytes.NewReader(body)))
}

// nesting is an object or array being read.
type nesting struct {
	members map[string]bool // nil in an array
	name    bool            // the next string is a member's name
}

// checkMembers reads a valid document through, looking for members that appear
// twice and numbers out of bounds.
func checkMembers(dec *json.Decoder) error {
	dec.UseNumber()
	var stack []nesting
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		top := len(stack) - 1
		switch v := token.(type) {
		case json.Delim:
			if v == '}' || v == ']' {
				stack = stack[:top]
				continue
			}
			if top >= 0 {
				stack[top].name = true
			}
			stack = append(stack, opened(v))
			continue
		case string:
			if top >= 0 && stack[top].members != nil && stack[top].name {
				if stack[top].members[v] {
					return fmt.Errorf("the member %q appears twice in one object", v)
				}
				stack[top].members[v] = true
				stack[top].name = false
				continue
			}
		case json.Number:
			if err := checkNumber(string(v)); err != nil {
				return err
			}
		}
		if top >= 0 {
			stack[top].name = true
		}
	}
}

func opened(d json.Delim) nesting {
	if d == '{' {
		return nesting{members: map[string]bool{}, name: true}
	}
	return nesting{}
}

func checkNumber(text string) error {
	if len(text) > maxNumberLen {
		return fmt.Errorf("a number has more than %d characters", maxNumberLen)
	}
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		exp, err := strconv.Atoi(text[at+1:])
		if err != nil || exp > maxExponent || exp < -maxExponent {
			return fmt.Errorf("the number %s is out of range", text)
		}
	}
	return nil
}
