package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	halType     = "application/hal+json"
	problemType = "application/problem+json"
)

// timeLayout is how dates are shown: RFC 3339 with an offset in digits, and a
// fraction only where there is one.
const timeLayout = "2006-01-02T15:04:05.999999-07:00"

// link is a HAL link.
type link struct {
	Href      string `json:"href"`
	Templated bool   `json:"templated,omitempty"`
	Title     string `json:"title,omitempty"`
}

// showTime is a date for a document, nil (null) for the zero time.
func showTime(t time.Time, zone *time.Location) *string {
	if t.IsZero() {
		return nil
	}
	shown := t.In(zone).Format(timeLayout)
	return &shown
}

// selfLink is path and query of the request.
func selfLink(r *http.Request) link {
	href := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		href += "?" + r.URL.RawQuery
	}
	return link{Href: href}
}

// encode is json.Marshal without the escapes that HTML needs: links have
// ampersands, and people read them.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// send answers with a HAL document.
func send(w http.ResponseWriter, r *http.Request, status int, doc any) error {
	body, err := encode(doc)
	if err != nil {
		return err
	}
	return sendBytes(w, r, status, halType, body)
}

// sendBytes answers with a body that is ready. It takes the body over.
func sendBytes(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) error {
	body = append(body, '\n')
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// sendProblem answers with a problem document.
func (s *Server) sendProblem(w http.ResponseWriter, r *http.Request, p problem) {
	body, err := encode(p)
	if err == nil {
		err = sendBytes(w, r, p.Status, problemType, body)
	}
	if err != nil {
		s.log.Debug("answer not sent", "method", r.Method, "status", p.Status, "error", err)
	}
}
