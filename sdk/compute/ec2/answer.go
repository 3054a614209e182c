package ec2

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxAnswer bounds an answer, in bytes. A page of 1000 instances has about 5 MB,
// and 25 MB if each has many network interfaces and tags.
const maxAnswer = 64 << 20

// brokenError is returned when an answer stopped before its end. The call is
// tried again.
type brokenError struct{ err error }

func (e *brokenError) Error() string      { return "the answer broke off: " + e.err.Error() }
func (e *brokenError) Unwrap() error      { return e.err }
func (*brokenError) RetryableError() bool { return true }

// foreignError is returned for an answer that isn't one of EC2's.
type foreignError struct{ what string }

func (e *foreignError) Error() string { return e.what }

// readAnswer reads a body to its end, which is limit bytes away at most.
func readAnswer(body io.Reader, limit int64) ([]byte, error) {
	read, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, &brokenError{err}
	case int64(len(read)) > limit:
		return nil, &foreignError{fmt.Sprintf("an answer of more than %d bytes", limit)}
	}
	return read, nil
}

// checkAnswer tells whether a body is the XML document that answers an
// operation, from its first tag to its last. What is between is for the SDK.
func checkAnswer(body []byte, operation string) error {
	root, err := rootOf(body)
	switch {
	case errors.Is(err, io.EOF) && len(bytes.TrimSpace(body)) == 0:
		return &foreignError{"an empty answer"}
	case err != nil:
		return &foreignError{"an answer that is not XML"}
	case root != operation+"Response":
		return &foreignError{fmt.Sprintf("an answer that is not EC2's (<%.40s>)", root)}
	}
	end := bytes.TrimSpace(body)
	if !bytes.HasSuffix(end, []byte(root+">")) && !bytes.HasSuffix(end, []byte("/>")) {
		return &brokenError{io.ErrUnexpectedEOF}
	}
	return nil
}

// rootOf returns the name of a document's outermost element.
func rootOf(body []byte) (string, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return "", err
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local, nil
		}
	}
}
